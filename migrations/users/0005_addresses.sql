create table addresses (
    id uuid not null,
    user_id uuid not null,
    name text not null,
    line1 text not null,
    line2 text,
    city text not null,
    region text,
    postal_code text not null,
    country text not null,
    phone text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint addresses_pkey primary key (user_id, id),
    constraint addresses_user_fkey foreign key (user_id) references users (id) on delete cascade,
    constraint addresses_length_check check (
        char_length(name) between 1 and 200 and char_length(line1) between 1 and 200
        and char_length(line2) between 1 and 200 and char_length(city) between 1 and 200
        and char_length(region) between 1 and 200 and char_length(postal_code) between 1 and 20
        and char_length(phone) between 1 and 40
    ),
    constraint addresses_country_check check (country ~ '^[A-Z]{2}$')
);

-- The account points at its default address, so that it has one at most, and its own.
alter table users
    add column default_address_id uuid,
    add constraint users_default_address_fkey
        foreign key (id, default_address_id) references addresses (user_id, id);
