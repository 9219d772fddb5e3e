-- Facts of events, on both engines; see analytics.py.

-- name: analytics_progress
SELECT arrival, version FROM analytics WHERE organization = :organization

-- name: put_analytics_progress
INSERT INTO analytics (organization, arrival, version)
VALUES (:organization, :arrival, :version)
ON CONFLICT (organization) DO UPDATE
SET arrival = excluded.arrival, version = excluded.version

-- name: analytics_newest
SELECT arrival FROM organization WHERE number = :organization

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

-- name: organizations_to_count
SELECT id FROM organization WHERE organization.arrival > 0 AND NOT EXISTS (
  SELECT 1 FROM analytics
  WHERE analytics.organization = organization.number
    AND analytics.arrival >= organization.arrival
) OR EXISTS (
  SELECT 1 FROM analytics_removal
  WHERE analytics_removal.organization = organization.number
)
