-- Where the trace of whatever caused it stands (W3C Trace Context): whoever hears of the event goes on
-- from there. Null for what nobody traces, and for rows of earlier versions.
alter table outbox add column traceparent text;
alter table webhook_deliveries add column traceparent text;
