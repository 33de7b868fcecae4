-- A product's pictures in the order in which they are shown: id, key, width, height, alt. They belong to
-- the product alone and are read with it, so a list of products costs no more for them; the row's lock
-- also guards how many there are.
alter table products add column images jsonb not null default '[]';
alter table products add constraint products_images_check
    check (jsonb_typeof(images) = 'array' and jsonb_array_length(images) <= 50);

-- Keys below which the media store may hold bytes that no product has: of an upload under way, and of a
-- picture that was deleted. What is due is removed.
create table media_leftovers (
    key text not null,
    due_at timestamptz not null,
    constraint media_leftovers_pkey primary key (key),
    constraint media_leftovers_key_check check (key ~ '^[0-9a-f]{32}[.](jpg|png|webp)$')
);

create index media_leftovers_due on media_leftovers (due_at);
