-- A deleted account is a row that tells nothing, so that its id goes on being nobody else's. It has
-- no password, and cannot be active again.
alter table users
    add column deleted_at timestamptz,
    alter column password_hash drop not null,
    add constraint users_deletion_check check (
        (deleted_at is null) = (password_hash is not null) and (deleted_at is null or not is_active)
    );

-- Whoever is about to take one away looks at all of them.
create index users_admins on users (id) where role = 'admin' and is_active;
