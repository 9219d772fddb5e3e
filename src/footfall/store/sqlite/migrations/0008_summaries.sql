-- What lets a read skip events that cannot be in its span: outer bounds, kept up by each
-- append and not taken back by erasures.

-- Of each organization's events among 2^shift consecutive arrivals (8 and 16): the first
-- and last instant, and a bit for each type.
CREATE TABLE event_block (
  organization INTEGER NOT NULL,
  shift INTEGER NOT NULL,
  number INTEGER NOT NULL, -- arrival >> shift
  first_at INTEGER NOT NULL,
  last_at INTEGER NOT NULL,
  types INTEGER NOT NULL,
  PRIMARY KEY (organization, shift, number)
) STRICT, WITHOUT ROWID;

-- The same of the announcements: most organizations have none, which must cost nothing.
CREATE TABLE withdrawal_block (
  organization INTEGER NOT NULL,
  shift INTEGER NOT NULL,
  number INTEGER NOT NULL,
  first_at INTEGER NOT NULL,
  last_at INTEGER NOT NULL,
  types INTEGER NOT NULL,
  PRIMARY KEY (organization, shift, number)
) STRICT, WITHOUT ROWID;

-- Between which UTC offsets an organization's local times of a UTC day lie. Events whose
-- local time contradicts their instant do not count.
CREATE TABLE day_offset (
  organization INTEGER NOT NULL,
  day INTEGER NOT NULL, -- since 1970-01-01
  low INTEGER NOT NULL, -- microseconds
  high INTEGER NOT NULL,
  PRIMARY KEY (organization, day)
) STRICT, WITHOUT ROWID;

-- As upserts, not GROUP BY: that would sort all events in memory.
INSERT INTO event_block
SELECT organization, 8, arrival >> 8, created_at, created_at, 1 << type
FROM event INDEXED BY event_by_arrival WHERE true
ON CONFLICT DO UPDATE SET
  first_at = min(first_at, excluded.first_at),
  last_at = max(last_at, excluded.last_at),
  types = types | excluded.types
WHERE excluded.first_at < first_at OR excluded.last_at > last_at
  OR types | excluded.types <> types;

INSERT INTO event_block
SELECT organization, 16, number >> 8, first_at, last_at, types
FROM event_block WHERE shift = 8
ON CONFLICT DO UPDATE SET
  first_at = min(first_at, excluded.first_at),
  last_at = max(last_at, excluded.last_at),
  types = types | excluded.types;

INSERT INTO withdrawal_block
SELECT organization, shift, arrival >> shift, created_at, created_at, 1 << type
FROM withdrawal, (SELECT 8 AS shift UNION ALL SELECT 16) WHERE true
ON CONFLICT DO UPDATE SET
  first_at = min(first_at, excluded.first_at),
  last_at = max(last_at, excluded.last_at),
  types = types | excluded.types;

INSERT INTO day_offset
SELECT organization, created_at / 86400000000 - (created_at % 86400000000 < 0),
  local_at - created_at, local_at - created_at
FROM event INDEXED BY event_by_local
WHERE local_at - created_at BETWEEN -43200000000 AND 50400000000
ON CONFLICT DO UPDATE SET low = min(low, excluded.low), high = max(high, excluded.high)
WHERE excluded.low < low OR excluded.high > high;
