-- A block has facts that follow each other, not those of an hour, and its columns lie
-- apart: what is not asked for is not read. All is counted again; see core/facts.py.
DROP TABLE analytics_block;
CREATE TABLE analytics_block (
  organization INTEGER NOT NULL,
  type INTEGER NOT NULL,
  start INTEGER NOT NULL, -- in seconds since 1970
  seconds BLOB NOT NULL,
  contacts BLOB NOT NULL,
  places BLOB NOT NULL,
  hotspots BLOB NOT NULL,
  dwells BLOB NOT NULL,
  PRIMARY KEY (organization, type, start)
) STRICT;
UPDATE analytics SET arrival = 0, version = version + 1;
