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

-- What search compares: words in lower case and without accents, whatever the database's locale.
create function search_text(text) returns text
    language sql immutable strict parallel safe
    return trim(regexp_replace(
        regexp_replace(lower(normalize($1, NFD) collate "und-x-icu"), '[\u0300-\u036f]+', '', 'g'),
        '[^[:alnum:]]+', ' ', 'g'
    ));

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
    sku_words text not null generated always as (search_text(sku)) stored,
    name_words text not null generated always as (search_text(name)) stored,
    -- What names the product; matches here come before those in the description.
    title tsvector not null generated always as (to_tsvector('simple', search_text(
        name || ' ' || sku || ' '
        || left(jsonb_path_query_array(attributes - 'image_src', '$.*')::text, 10000)
    ))) stored,
    -- The head of a long text is enough, and keeps the vector below Postgres' limit of 1 MiB.
    search tsvector not null generated always as (to_tsvector('simple', search_text(
        name || ' ' || sku || ' '
        || left(jsonb_path_query_array(attributes - 'image_src', '$.*')::text, 10000)
        || ' ' || left(description, 20000)
    ))) stored,
    constraint products_pkey primary key (id),
    constraint products_sku_key unique (sku),
    constraint products_category_fkey foreign key (category_id) references categories (id),
    constraint products_sku_check check (char_length(sku) between 1 and 100),
    constraint products_name_check check (char_length(name) between 1 and 300),
    constraint products_description_check check (char_length(description) <= 50000),
    constraint products_handle_check check (char_length(handle) between 1 and 200),
    constraint products_price_check check (price_minor between 0 and 1000000000000),
    constraint products_currency_check check (currency ~ '^[A-Z]{3}$'),
    constraint products_attributes_check check (
        jsonb_typeof(attributes) = 'object'
        and not jsonb_path_exists(attributes, '$.* ? (@.type() != "string")')
    )
);

create index products_newest on products (created_at, id);
create index products_price on products (price_minor, id);
create index products_name on products (name collate "und-x-icu", id);
create index products_handle on products (handle) where handle is not null;
create index products_category on products (category_id) where category_id is not null;

create index products_title on products using gin (title);
create index products_search on products using gin (search);
-- Hashes, because a normalised name may be longer than a B-tree takes.
create index products_sku_words on products using hash (sku_words);
create index products_name_words on products using hash (name_words);

-- A word and each form of it with one letter left out. Two words that share a form are at most one
-- typing error apart or nearly so (symmetric deletion, as in SymSpell).
create function search_variants(text) returns setof text
    language sql immutable strict parallel safe rows 8
as $$
    select $1
    union
    select overlay($1 placing '' from i for 1) from generate_series(1, char_length($1)) i
$$;

-- The words that titles are made of: what a mistyped word may have meant. Not unique, so that no
-- writer waits for another; a word that no title has any more does no harm.
create table search_words (
    id bigint generated always as identity,
    word text collate "C" not null,
    variant text collate "C" not null,
    constraint search_words_pkey primary key (id)
);

create index search_words_word on search_words (word);
create index search_words_variant on search_words (variant, word);

create function learn_search_words() returns trigger
    language plpgsql
as $$
begin
    insert into search_words (word, variant)
    select learnt.word, variant
    from (
        select distinct lexeme as word
        from changed, unnest(changed.title)
        where char_length(lexeme) between 3 and 30 and lexeme !~ '[0-9]'
    ) learnt
    cross join search_variants(learnt.word) variant
    where not exists (select from search_words known where known.word = learnt.word);
    return null;
end
$$;

create trigger products_insert_learn after insert on products
    referencing new table as changed
    for each statement execute function learn_search_words();
create trigger products_update_learn after update on products
    referencing new table as changed
    for each statement execute function learn_search_words();
