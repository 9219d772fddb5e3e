-- Keys are sealed under a secret that is not in the database; see `keys`, which also
-- seals those that are there and puts keyed digests in place of the contacts' old ones.
CREATE TABLE store_key (
  purpose TEXT PRIMARY KEY,
  key BLOB NOT NULL -- sealed
) STRICT;
