use super::Case;

pub const SEED: &str = "
    insert into users (id, email, email_key, password_hash, full_name)
    values (gen_random_uuid(), 'Ada@example.com', 'ada@example.com', 'hash', 'Ada');
    insert into sessions (id, user_id, expires_at) select gen_random_uuid(), id, now() from users;
    insert into refresh_tokens (hash, session_id) select 'token', id from sessions;
    insert into addresses (id, user_id, name, line1, city, postal_code, country)
    select gen_random_uuid(), id, 'Ada', 'Street 1', 'London', 'SW1A 1AA', 'GB' from users";

pub const CASES: &[Case] = &[
    (
        "users_pkey",
        "insert into users (id, email, email_key, password_hash, full_name) select id, email, 'another', 'hash', 'Ada' from users",
    ),
    (
        "users_email_key",
        "insert into users (id, email, email_key, password_hash, full_name) select gen_random_uuid(), email, email_key, 'hash', 'Ada' from users",
    ),
    ("users_role_check", "update users set role = 'owner'"),
    ("users_email_check", "update users set email = 'a'"),
    (
        "users_email_check",
        "update users set email = repeat('a', 255)",
    ),
    ("users_full_name_check", "update users set full_name = ''"),
    (
        "users_full_name_check",
        "update users set full_name = repeat('a', 201)",
    ),
    (
        "users_deletion_check",
        "update users set password_hash = null",
    ),
    (
        "users_deletion_check",
        "update users set deleted_at = now(), is_active = false",
    ),
    (
        "users_deletion_check",
        "update users set deleted_at = now(), password_hash = null",
    ),
    (
        "sessions_pkey",
        "insert into sessions select * from sessions",
    ),
    (
        "sessions_user_fkey",
        "update sessions set user_id = gen_random_uuid()",
    ),
    (
        "sessions_length_check",
        "update sessions set user_agent = repeat('a', 201)",
    ),
    (
        "refresh_tokens_pkey",
        "insert into refresh_tokens select * from refresh_tokens",
    ),
    (
        "refresh_tokens_session_fkey",
        "update refresh_tokens set session_id = gen_random_uuid()",
    ),
    (
        "addresses_pkey",
        "insert into addresses select * from addresses",
    ),
    (
        "addresses_user_fkey",
        "update addresses set user_id = gen_random_uuid()",
    ),
    ("addresses_length_check", "update addresses set name = ''"),
    (
        "addresses_country_check",
        "update addresses set country = 'gb'",
    ),
    (
        "users_default_address_fkey",
        "update users set default_address_id = gen_random_uuid()",
    ),
];
