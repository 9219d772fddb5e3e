-- How far the copy of an organization from another store is; see flows/copy_store.py.
CREATE TABLE copy_mark (
  organization bigint PRIMARY KEY,
  mark bytea NOT NULL
);
