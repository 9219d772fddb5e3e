-- What analytics counts: made of events, and made again from them when it is lost.
CREATE TABLE analytics (
  organization INTEGER PRIMARY KEY,
  arrival INTEGER NOT NULL, -- up to which the log is read
  version INTEGER NOT NULL  -- counts the changes
) STRICT;

-- The facts of a type and an hour (UTC), in columns; see core/facts.py.
CREATE TABLE analytics_block (
  organization INTEGER NOT NULL,
  type INTEGER NOT NULL,
  hour INTEGER NOT NULL,
  facts BLOB NOT NULL,
  PRIMARY KEY (organization, type, hour)
) STRICT;

-- The locations and hotspots that facts name.
CREATE TABLE analytics_place (
  organization INTEGER NOT NULL,
  number INTEGER NOT NULL,
  id TEXT NOT NULL,
  zone TEXT NOT NULL, -- as the first of its events said
  PRIMARY KEY (organization, number)
) STRICT, WITHOUT ROWID;

-- From which hours erasures took events: their facts are made again.
CREATE TABLE analytics_removal (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  organization INTEGER NOT NULL,
  type INTEGER NOT NULL,
  hour INTEGER NOT NULL
) STRICT;
CREATE INDEX analytics_removal_by_organization ON analytics_removal (organization, number);
