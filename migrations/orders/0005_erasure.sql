-- Whose personal data was erased. Nothing is stored for them any more. `settled_at` is set when the
-- erasure was repeated, after every statement that had begun before it was over.
create table erased_users (
    user_id uuid not null,
    erased_at timestamptz not null default now(),
    settled_at timestamptz,
    constraint erased_users_pkey primary key (user_id)
);

create index erased_users_unsettled on erased_users (erased_at) where settled_at is null;
