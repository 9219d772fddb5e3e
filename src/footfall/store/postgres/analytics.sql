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
SELECT arrival, contact, type::int, created_at, body FROM event
WHERE organization = :organization AND arrival > :after ORDER BY arrival LIMIT :limit

-- name: analytics_withdrawals_after
SELECT arrival, contact, type::int, created_at, NULL::bytea FROM withdrawal
WHERE organization = :organization AND arrival > :after ORDER BY arrival LIMIT :limit

-- name: analytics_events_of_hour
SELECT contact, created_at, body FROM event
WHERE organization = :organization AND type = :type
  AND created_at >= :since AND created_at < :until AND arrival <= :bound

-- name: note_analytics_removals
INSERT INTO analytics_removal (organization, type, hour)
SELECT DISTINCT organization, type, floor(created_at / 3600000000.0)::integer
FROM event WHERE organization = :organization AND contact = :contact


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
SELECT place, count(DISTINCT contact) FROM stay
WHERE organization = :organization AND check_at IS NOT NULL AND start_at IS NOT NULL
GROUP BY place

-- name: organizations_to_count
SELECT id FROM organization
LEFT JOIN analytics ON analytics.organization = organization.number
WHERE organization.arrival > coalesce(analytics.arrival, 0) OR EXISTS (
  SELECT 1 FROM analytics_removal
  WHERE analytics_removal.organization = organization.number
)
