-- Arrival numbers are an organization's own, so that they are the same on any engine and
-- tell no tenant of the others. Rows keep the numbers that they have in the file: bodies
-- must lie in one heap that only grows at its end. What arrived up to now keeps the
-- number of its row, so that scrolls of before go on.

ALTER TABLE event RENAME COLUMN arrival TO number;
ALTER TABLE body RENAME COLUMN arrival TO number;
ALTER TABLE withdrawal RENAME COLUMN arrival TO number;

-- The newest arrival number that was given out.
ALTER TABLE organization ADD COLUMN arrival INTEGER NOT NULL DEFAULT 0;
-- Counts the changes of what servers remember of devices and stays.
ALTER TABLE organization ADD COLUMN version INTEGER NOT NULL DEFAULT 0;
UPDATE organization SET arrival = (SELECT coalesce(max(number), 0) FROM body);

-- From here on, consecutive arrivals of an organization have consecutive row numbers.
CREATE TABLE arrival_range (
  organization INTEGER NOT NULL,
  arrival INTEGER NOT NULL,
  number INTEGER NOT NULL,
  PRIMARY KEY (organization, arrival)
) STRICT, WITHOUT ROWID;
CREATE INDEX arrival_range_by_number ON arrival_range (organization, number);
INSERT INTO arrival_range SELECT number, 1, 1 FROM organization WHERE arrival > 0;

-- Whoever holds the lease of a periodic job does it.
CREATE TABLE lease (
  job TEXT PRIMARY KEY,
  holder TEXT NOT NULL,
  until_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- A stay is at a place of a kind: so far a location.
DROP INDEX stay_by_contact;
ALTER TABLE stay RENAME COLUMN location TO place;
ALTER TABLE stay ADD COLUMN place_kind INTEGER NOT NULL DEFAULT 0;
CREATE INDEX stay_by_contact ON stay (contact, place_kind, place, first_at);

-- Tables get the words of docs/concepts.md for names.
DROP INDEX block_by_time;
ALTER TABLE block RENAME TO observation_batch;
-- How its records are written; see core/observations.py.
ALTER TABLE observation_batch ADD COLUMN format INTEGER NOT NULL DEFAULT 1;
CREATE INDEX observation_batch_by_time
  ON observation_batch (organization, last_at, first_at);

DROP INDEX segment_page_by_device;
ALTER TABLE segment RENAME TO device_index;
ALTER TABLE device_index RENAME COLUMN first_block TO first_batch;
ALTER TABLE segment_page RENAME TO device_index_page;
ALTER TABLE device_index_page RENAME COLUMN segment TO device_index;
CREATE INDEX device_index_page_by_device
  ON device_index_page (device_index, first_device);

DROP INDEX problem_by_organization;
ALTER TABLE problem RENAME TO rejection;
CREATE INDEX rejection_by_organization ON rejection (organization, number);

ALTER TABLE event_block RENAME TO event_summary;
ALTER TABLE withdrawal_block RENAME TO withdrawal_summary;

-- A level between the two, so that of 65,536 rows with one of a rare type in them not all
-- 256 summaries are read.
INSERT INTO event_summary
SELECT organization, 12, number >> 4, first_at, last_at, types
FROM event_summary WHERE shift = 8
ON CONFLICT DO UPDATE SET
  first_at = min(first_at, excluded.first_at),
  last_at = max(last_at, excluded.last_at),
  types = types | excluded.types;

INSERT INTO withdrawal_summary
SELECT organization, 12, number >> 4, first_at, last_at, types
FROM withdrawal_summary WHERE shift = 8
ON CONFLICT DO UPDATE SET
  first_at = min(first_at, excluded.first_at),
  last_at = max(last_at, excluded.last_at),
  types = types | excluded.types;
