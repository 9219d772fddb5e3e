-- A block has facts that follow each other, not those of an hour, and its columns lie
-- apart: what is not asked for is not sent. All is counted again; see core/facts.py.
DROP TABLE analytics_block;
CREATE TABLE analytics_block (
  organization bigint NOT NULL,
  type smallint NOT NULL,
  start bigint NOT NULL, -- in seconds since 1970
  seconds bytea NOT NULL,
  contacts bytea NOT NULL,
  places bytea NOT NULL,
  hotspots bytea NOT NULL,
  dwells bytea NOT NULL,
  PRIMARY KEY (organization, type, start)
) WITH (toast_tuple_target = 8160); -- a block fits in a page, so nothing lies elsewhere
ALTER TABLE analytics_block
  ALTER seconds SET STORAGE EXTERNAL,
  ALTER contacts SET STORAGE EXTERNAL,
  ALTER places SET STORAGE EXTERNAL,
  ALTER hotspots SET STORAGE EXTERNAL,
  ALTER dwells SET STORAGE EXTERNAL;
UPDATE analytics SET arrival = 0, version = version + 1;
