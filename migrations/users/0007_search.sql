-- What an administrator looks for in: email and name in lower case and without accents, whatever the
-- database's locale.
create function fold(text) returns text
    language sql immutable strict parallel safe
    return regexp_replace(
        lower(normalize($1, NFD) collate "und-x-icu"), '[\u0300-\u036f]+', '', 'g');

-- Every three letters in a row. A text that has another in it has all of its.
create function trigrams(text) returns text[]
    language sql immutable strict parallel safe
    return coalesce((
        select array_agg(distinct substr($1, at, 3)) from generate_series(1, length($1) - 2) at
    ), '{}');

alter table users
    add column words text not null
        generated always as (fold(email) || E'\n' || fold(full_name)) stored;

create index users_search on users using gin (trigrams(words));
