-- Which UTC offsets an organization's local times of a UTC day have. Zones lie on quarters
-- of an hour, so each quarter has its own range: what lies between two zones is not read.
-- Events whose local time contradicts their instant do not count.
DROP TABLE day_offset;

CREATE TABLE day_offset (
  organization INTEGER NOT NULL,
  day INTEGER NOT NULL, -- since 1970-01-01
  quarter INTEGER NOT NULL, -- of an hour, rounded down
  low INTEGER NOT NULL, -- microseconds
  high INTEGER NOT NULL,
  PRIMARY KEY (organization, day, quarter)
) STRICT, WITHOUT ROWID;

INSERT INTO day_offset
SELECT organization, created_at / 86400000000 - (created_at % 86400000000 < 0),
  (local_at - created_at + 43200000000) / 900000000 - 48,
  local_at - created_at, local_at - created_at
FROM event INDEXED BY event_by_local
WHERE local_at - created_at BETWEEN -43200000000 AND 50400000000
ON CONFLICT DO UPDATE SET low = min(low, excluded.low), high = max(high, excluded.high)
WHERE excluded.low < low OR excluded.high > high;
