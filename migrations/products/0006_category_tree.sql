-- Whoever gives a category its place locks this row first: two moves at once could otherwise close
-- a ring that neither of them sees.
create table category_tree (
    is_whole boolean not null default true,
    constraint category_tree_pkey primary key (is_whole),
    constraint category_tree_check check (is_whole)
);

insert into category_tree default values;
