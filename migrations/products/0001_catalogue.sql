create extension if not exists pg_trgm;

create table categories (
    id uuid not null,
    name text not null,
    slug text not null,
    parent_id uuid,
    created_at timestamptz not null default now(),
    constraint categories_pkey primary key (id),
    constraint categories_slug_key unique (slug),
    constraint categories_parent_fkey foreign key (parent_id) references categories (id),
    constraint categories_name_check check (char_length(name) between 1 and 200),
    constraint categories_slug_check check (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$')
);

create index categories_parent on categories (parent_id);

create table products (
    id uuid not null,
    sku text not null,
    name text not null,
    description text not null default '',
    price_minor bigint not null,
    currency text not null,
    category_id uuid,
    handle text,
    attributes jsonb not null default '{}',
    is_active boolean not null default true,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    search tsvector not null generated always as (
        setweight(to_tsvector('simple', name), 'A')
        || setweight(to_tsvector('simple', sku), 'A')
        || setweight(to_tsvector('simple', description), 'C')
    ) stored,
    constraint products_pkey primary key (id),
    constraint products_sku_key unique (sku),
    constraint products_category_fkey foreign key (category_id) references categories (id),
    constraint products_sku_check check (char_length(sku) between 1 and 100),
    constraint products_name_check check (char_length(name) between 1 and 300),
    constraint products_price_check check (price_minor >= 0),
    constraint products_currency_check check (currency ~ '^[A-Z]{3}$'),
    constraint products_attributes_check check (jsonb_typeof(attributes) = 'object')
);

create index products_search on products using gin (search);
create index products_name_trigrams on products using gin (name gin_trgm_ops);
create index products_newest on products (created_at desc, id desc) where is_active;
create index products_price on products (price_minor, id) where is_active;
create index products_name on products (name, id) where is_active;
create index products_handle on products (handle) where handle is not null;
create index products_category on products (category_id) where category_id is not null;
