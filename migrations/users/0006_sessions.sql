-- Where somebody is signed in: when the session was last used, that is opened or refreshed, and from
-- where. An address is text, so that whoever looks for a person's words finds it.
alter table sessions
    add column used_at timestamptz not null default now(),
    add column user_agent text,
    add column address text,
    add constraint sessions_length_check check (
        char_length(user_agent) between 1 and 200 and char_length(address) between 1 and 45
    );

update sessions set used_at = created_at;

drop index sessions_user;
create index sessions_user on sessions (user_id, id);
