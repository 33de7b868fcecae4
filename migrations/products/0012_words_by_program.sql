-- What a product is searched by is computed in the program, by whoever writes one.
drop trigger products_insert_learn on products;
drop trigger products_update_learn on products;
drop trigger products_insert_search on products;
drop trigger products_update_search on products;
drop function fill_search;
drop function learn_search_words;
drop function search_document;
drop function search_text;
