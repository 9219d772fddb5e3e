-- Facts of events; see store/relational/analytics.py.

-- name: analytics_progress
SELECT arrival, version FROM analytics WHERE organization = :organization

-- name: put_analytics_progress
INSERT INTO analytics (organization, arrival, version)
VALUES (:organization, :arrival, :version)
ON CONFLICT (organization) DO UPDATE
SET arrival = excluded.arrival, version = excluded.version

-- name: analytics_newest
SELECT arrival FROM organization WHERE number = :organization

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

-- name: analytics_events_of_hour
SELECT contact, created_at, body FROM event CROSS JOIN body USING (number)
WHERE organization = :organization AND type = :type
  AND created_at >= :since AND created_at < :until AND event.number <= :bound

-- name: note_analytics_removals
INSERT INTO analytics_removal (organization, type, hour)
SELECT DISTINCT organization, event.type, (created_at - (created_at % 3600000000 + 3600000000)
  % 3600000000) / 3600000000
FROM json_each(:numbers) CROSS JOIN event ON event.number = json_each.value

-- name: analytics_removals
SELECT number, type, hour FROM analytics_removal
WHERE organization = :organization ORDER BY number LIMIT :limit

-- name: delete_analytics_removal
DELETE FROM analytics_removal WHERE organization = :organization AND number = :number

-- name: analytics_places
SELECT number, id, zone FROM analytics_place
WHERE organization = :organization ORDER BY number

-- name: add_analytics_place
INSERT INTO analytics_place (organization, number, id, zone)
VALUES (:organization, :number, :id, :zone)

-- name: analytics_block
SELECT facts FROM analytics_block
WHERE organization = :organization AND type = :type AND hour = :hour

-- name: analytics_blocks
SELECT hour, facts FROM analytics_block
WHERE organization = :organization AND type = :type AND hour BETWEEN :first AND :last
ORDER BY hour

-- name: put_analytics_block
INSERT INTO analytics_block (organization, type, hour, facts)
VALUES (:organization, :type, :hour, :facts)
ON CONFLICT (organization, type, hour) DO UPDATE SET facts = excluded.facts

-- name: delete_analytics_block
DELETE FROM analytics_block
WHERE organization = :organization AND type = :type AND hour = :hour

-- name: clear_analytics_blocks
DELETE FROM analytics_block WHERE organization = :organization

-- name: analytics_occupancy
SELECT place, count(DISTINCT contact) FROM stay INDEXED BY stay_by_check
WHERE organization = :organization AND check_at IS NOT NULL AND start_at IS NOT NULL
GROUP BY place

-- name: organizations_to_count
SELECT id FROM organization
LEFT JOIN analytics ON analytics.organization = organization.number
WHERE organization.arrival > coalesce(analytics.arrival, 0) OR EXISTS (
  SELECT 1 FROM analytics_removal
  WHERE analytics_removal.organization = organization.number
)
