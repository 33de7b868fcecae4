-- To take a text apart row by row costs more than a look into the index, which the planner did not
-- know: it went through all accounts for words that nobody has.
alter function trigrams(text) cost 2000;
