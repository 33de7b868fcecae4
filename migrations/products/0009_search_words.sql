-- One vector in place of two and of two columns that were only searched. Its lexemes are
--   =oak       a word that names the product: of its name, SKU or attributes
--   solid      a word that stands in the description only
--   #chair_1   the SKU
--   ^oak_chair the name
-- The description's end is left out, so that the vector stays below Postgres' limit of 1 MiB, and
-- so is the end of a long word.
create function search_document(sku text, name text, attributes jsonb, description text)
    returns tsvector
    language sql immutable parallel safe
as $$
    with title as materialized (
        select distinct left(word, 200) as word
        from unnest(string_to_array(search_text(sku || ' ' || name || ' ' || left((
            select coalesce(string_agg(value, ' ' order by key collate "C"), '')
            from jsonb_each_text(case jsonb_typeof(attributes)
                when 'object' then attributes - 'image_src' else '{}'
            end)
        ), 10000)), ' ')) word
    ), lexemes as (
        select '=' || word as lexeme, word from title
        union all
        select left(word, 200), word
        from unnest(string_to_array(search_text(left(description, 20000)), ' ')) word
        where left(word, 200) not in (select title.word from title)
        union all
        select '#' || left(replace(search_text(sku), ' ', '_'), 400), search_text(sku)
        union all
        select '^' || left(replace(search_text(name), ' ', '_'), 400), search_text(name)
    )
    select array_to_tsvector(coalesce(array_agg(lexeme), '{}')) from lexemes where word <> ''
$$;

drop trigger products_insert_learn on products;
drop trigger products_update_learn on products;
drop index products_title, products_search, products_sku_words, products_name_words;

alter table products alter column search drop expression;
alter table products
    alter column search type tsvector
        using search_document(sku, name, attributes, description);
alter table products drop column title, drop column sku_words, drop column name_words;

create index products_search on products using gin (search);

-- Who writes many rows computes their vectors and says so; for everybody else it is done here.
create function fill_search() returns trigger
    language plpgsql
as $$
begin
    new.search := search_document(new.sku, new.name, new.attributes, new.description);
    return new;
end
$$;

create trigger products_insert_search before insert on products
    for each row when (new.search is null) execute function fill_search();
create trigger products_update_search before update on products
    for each row when (
        (new.sku, new.name, new.attributes - 'image_src', new.description)
            is distinct from (old.sku, old.name, old.attributes - 'image_src', old.description)
        and new.search is not distinct from old.search
    ) execute function fill_search();

create or replace function learn_search_words() returns trigger
    language plpgsql
as $$
begin
    insert into search_words (word, variant)
    select learnt.word, variant
    from (
        select distinct substr(lexeme, 2) as word
        from changed, unnest(changed.search)
        where lexeme like '=%' and char_length(lexeme) between 4 and 31 and lexeme !~ '[0-9]'
    ) learnt
    cross join search_variants(learnt.word) variant
    where not exists (select from search_words known where known.word = learnt.word);
    return null;
end
$$;

-- Who has taught the words already says so, for the transaction.
create trigger products_insert_learn after insert on products
    referencing new table as changed
    for each statement
    when (current_setting('cleave.words_learnt', true) is distinct from 'on')
    execute function learn_search_words();
create trigger products_update_learn after update on products
    referencing new table as changed
    for each statement
    when (current_setting('cleave.words_learnt', true) is distinct from 'on')
    execute function learn_search_words();
