-- `email` is as its owner wrote it. `email_key` is what tells addresses apart: lower case, the
-- domain in its ASCII form, made by the module so that no locale has a say in it.
create table users (
    id uuid not null,
    email text not null,
    email_key text not null,
    password_hash text not null,
    full_name text not null,
    role text not null default 'customer',
    is_active boolean not null default true,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint users_pkey primary key (id),
    constraint users_email_key unique (email_key),
    constraint users_role_check check (role in ('customer', 'admin')),
    constraint users_email_check check (char_length(email) between 3 and 254),
    constraint users_full_name_check check (char_length(full_name) between 1 and 200)
);

-- One row for each sign-in. `expires_at` moves on at each refresh.
create table sessions (
    id uuid not null,
    user_id uuid not null,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    revoked_at timestamptz,
    constraint sessions_pkey primary key (id),
    constraint sessions_user_fkey foreign key (user_id) references users (id) on delete cascade
);

create index sessions_user on sessions (user_id);
create index sessions_expiry on sessions (expires_at);

-- The refresh tokens of a session as their SHA-256: the one in force, and the spent ones. A spent
-- one that comes back reveals a theft, and ends the session.
create table refresh_tokens (
    hash bytea not null,
    session_id uuid not null,
    created_at timestamptz not null default now(),
    spent_at timestamptz,
    constraint refresh_tokens_pkey primary key (hash),
    constraint refresh_tokens_session_fkey foreign key (session_id) references sessions (id) on delete cascade
);

create index refresh_tokens_session on refresh_tokens (session_id);
