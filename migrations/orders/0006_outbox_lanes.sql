-- Each subscriber's events are claimed apart, the longest due first.
drop index outbox_due;
create index outbox_due on outbox (subscriber, due_at, id) where parked_at is null;
create index outbox_parked on outbox (id) where parked_at is not null;

-- Every event leaves dead rows, however many wait: what is dead is swept by its own number.
alter table outbox set (autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 5000);
