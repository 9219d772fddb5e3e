-- What differs between the engines; the rest is in store/relational/analytics.sql.

-- name: analytics_events_after
SELECT (
  SELECT arrival + event.number - number FROM arrival_range
  WHERE organization = :organization AND number <= event.number
  ORDER BY number DESC LIMIT 1
), contact, type, created_at, body
FROM event INDEXED BY event_by_arrival CROSS JOIN body USING (number)
WHERE organization = :organization AND event.number > :after
ORDER BY event.number LIMIT :limit

-- name: analytics_withdrawals_after
SELECT (
  SELECT arrival + withdrawal.number - number FROM arrival_range
  WHERE organization = :organization AND number <= withdrawal.number
  ORDER BY number DESC LIMIT 1
), contact, type, created_at, NULL
FROM withdrawal INDEXED BY withdrawal_by_arrival
WHERE organization = :organization AND withdrawal.number > :after
ORDER BY withdrawal.number LIMIT :limit

-- name: analytics_events_between
SELECT contact, created_at, body FROM event CROSS JOIN body USING (number)
WHERE organization = :organization AND type = :type
  AND created_at >= :since AND created_at < :until AND event.number <= :bound

-- name: note_analytics_removals
INSERT INTO analytics_removal (organization, contact, type, hour)
SELECT DISTINCT organization, contact, event.type, (created_at - (created_at % 3600000000 + 3600000000)
  % 3600000000) / 3600000000
FROM json_each(:numbers) CROSS JOIN event ON event.number = json_each.value

-- name: analytics_occupancy
SELECT place, count(DISTINCT contact) FROM stay INDEXED BY stay_by_check
WHERE organization = :organization AND check_at IS NOT NULL AND start_at IS NOT NULL
GROUP BY place

-- name: analytics_open_stays
SELECT place, start_at FROM stay INDEXED BY stay_by_check
WHERE organization = :organization AND check_at IS NOT NULL AND start_at IS NOT NULL

-- name: analytics_spans
-- A bulk statement; see bulk.py. Where the block of a second starts, and the next one.
WITH asked (organization, type, second) AS (VALUES {(:organization, :type, :second)})
SELECT json_group_array(json_array(asked.type, asked.second, (
  SELECT max(start) FROM analytics_block
  WHERE organization = asked.organization AND type = asked.type AND start <= asked.second
), (
  SELECT min(start) FROM analytics_block
  WHERE organization = asked.organization AND type = asked.type AND start > asked.second
))) FROM asked

-- name: analytics_blocks_at
-- A bulk statement. The last of the blocks that start in a second.
WITH asked (organization, type, start) AS (VALUES {(:organization, :type, :start)})
SELECT block.type, block.start, part, seconds, contacts, places, hotspots, dwells
FROM asked CROSS JOIN analytics_block AS block
  ON block.organization = asked.organization
  AND block.type = asked.type AND block.start = asked.start
WHERE part = (
  SELECT max(part) FROM analytics_block AS other
  WHERE other.organization = asked.organization
    AND other.type = asked.type AND other.start = asked.start
)

-- name: delete_analytics_blocks
-- A bulk statement.
DELETE FROM analytics_block
WHERE (organization, type, start, part) IN (VALUES {(:organization, :type, :start, :part)})

-- name: add_analytics_blocks
-- A bulk statement.
INSERT INTO analytics_block
  (organization, type, start, part, seconds, contacts, places, hotspots, dwells)
VALUES {(:organization, :type, :start, :part,
  :seconds, :contacts, :places, :hotspots, :dwells)}
