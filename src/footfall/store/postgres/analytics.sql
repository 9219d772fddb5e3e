-- What differs between the engines; the rest is in store/relational/analytics.sql.

-- name: analytics_events_after
SELECT arrival, contact, type::int, created_at, body FROM event
WHERE organization = :organization AND arrival > :after ORDER BY arrival LIMIT :limit

-- name: analytics_withdrawals_after
SELECT arrival, contact, type::int, created_at, NULL::bytea FROM withdrawal
WHERE organization = :organization AND arrival > :after ORDER BY arrival LIMIT :limit

-- name: analytics_events_between
SELECT contact, created_at, body FROM event
WHERE organization = :organization AND type = :type
  AND created_at >= :since AND created_at < :until AND arrival <= :bound

-- name: note_analytics_removals
INSERT INTO analytics_removal (organization, contact, type, hour)
SELECT :organization, sent.*
FROM unnest(:contact::bigint[], :type::smallint[], :hour::integer[]) AS sent

-- name: analytics_occupancy
SELECT place, count(DISTINCT contact) FROM stay
WHERE organization = :organization AND check_at IS NOT NULL AND start_at IS NOT NULL
GROUP BY place

-- name: analytics_open_stays
SELECT place, start_at FROM stay
WHERE organization = :organization AND check_at IS NOT NULL AND start_at IS NOT NULL

-- name: analytics_spans
-- Where the block of a second starts, and the next one.
SELECT sent.type, sent.second, block.start, following.start
FROM unnest(:type::smallint[], :second::bigint[]) AS sent (type, second)
LEFT JOIN LATERAL (
  SELECT start FROM analytics_block
  WHERE organization = :organization AND type = sent.type AND start <= sent.second
  ORDER BY start DESC LIMIT 1
) AS block ON true
LEFT JOIN LATERAL (
  SELECT start FROM analytics_block
  WHERE organization = :organization AND type = sent.type AND start > sent.second
  ORDER BY start LIMIT 1
) AS following ON true

-- name: analytics_blocks_at
-- The last of the blocks that start in a second.
SELECT sent.type, block.* FROM unnest(:type::smallint[], :start::bigint[])
  AS sent (type, start), LATERAL (
  SELECT start, part, seconds, contacts, places, hotspots, dwells FROM analytics_block
  WHERE organization = :organization AND type = sent.type
    AND analytics_block.start = sent.start
  ORDER BY part DESC LIMIT 1
) AS block

-- name: delete_analytics_blocks
DELETE FROM analytics_block
USING unnest(:type::smallint[], :start::bigint[], :part::integer[])
  AS sent (type, start, part)
WHERE organization = :organization AND analytics_block.type = sent.type
  AND analytics_block.start = sent.start AND analytics_block.part = sent.part

-- name: add_analytics_blocks
INSERT INTO analytics_block
  (organization, type, start, part, seconds, contacts, places, hotspots, dwells)
SELECT :organization, sent.* FROM unnest(
  :type::smallint[], :start::bigint[], :part::integer[], :seconds::bytea[],
  :contacts::bytea[], :places::bytea[], :hotspots::bytea[], :dwells::bytea[]
) AS sent
