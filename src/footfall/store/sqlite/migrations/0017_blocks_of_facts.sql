-- A block has facts that follow each other, not those of an hour, and its columns lie
-- apart: what is not asked for is not read. All is counted again; see core/facts.py.
DROP TABLE analytics_block;
CREATE TABLE analytics_block (
  organization INTEGER NOT NULL,
  type INTEGER NOT NULL,
  start INTEGER NOT NULL, -- in seconds since 1970
  part INTEGER NOT NULL,  -- among those that start in this second
  seconds BLOB NOT NULL,
  contacts BLOB NOT NULL,
  places BLOB NOT NULL,
  hotspots BLOB NOT NULL,
  dwells BLOB NOT NULL,
  PRIMARY KEY (organization, type, start, part)
) STRICT;
-- From which hours of a type an erased contact's facts are to go.
DROP TABLE analytics_removal;
CREATE TABLE analytics_removal (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  organization INTEGER NOT NULL,
  contact INTEGER NOT NULL,
  type INTEGER NOT NULL,
  hour INTEGER NOT NULL
) STRICT;
CREATE INDEX analytics_removal_by_organization ON analytics_removal (organization, number);
UPDATE analytics SET arrival = 0, version = version + 1;
