create table users (
    id uuid not null,
    email text not null,
    password_hash text not null,
    full_name text not null,
    role text not null default 'customer',
    is_active boolean not null default true,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint users_pkey primary key (id),
    constraint users_role_check check (role in ('customer', 'admin')),
    constraint users_email_check check (char_length(email) between 3 and 254),
    constraint users_full_name_check check (char_length(full_name) between 1 and 200)
);

-- Addresses that differ in case only are one address.
create unique index users_email_key on users (lower(email));

-- One row for each sign-in. The refresh token in force is kept as its SHA-256; a spent one that
-- comes back reveals a theft, and ends the session.
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

create table refresh_tokens (
    hash bytea not null,
    session_id uuid not null,
    created_at timestamptz not null default now(),
    spent_at timestamptz,
    constraint refresh_tokens_pkey primary key (hash),
    constraint refresh_tokens_session_fkey foreign key (session_id) references sessions (id) on delete cascade
);

create index refresh_tokens_session on refresh_tokens (session_id);
