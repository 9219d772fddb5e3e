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
SELECT number, contact, type, hour FROM analytics_removal
WHERE organization = :organization ORDER BY number LIMIT :limit

-- name: delete_analytics_removal
DELETE FROM analytics_removal WHERE organization = :organization AND number = :number

-- name: analytics_places
SELECT number, id, zone FROM analytics_place
WHERE organization = :organization ORDER BY number

-- name: add_analytics_place
INSERT INTO analytics_place (organization, number, id, zone)
VALUES (:organization, :number, :id, :zone)

-- name: analytics_keys
SELECT start, part FROM analytics_block
WHERE organization = :organization AND type = :type
  AND start >= :since AND start < :until
ORDER BY start, part

-- name: analytics_blocks
SELECT start, part, seconds, contacts, places,
  CASE WHEN :hotspot THEN hotspots END, CASE WHEN :dwell THEN dwells END
FROM analytics_block
WHERE organization = :organization AND type = :type AND start < :until
  AND start >= coalesce((
    SELECT max(start) FROM analytics_block
    WHERE organization = :organization AND type = :type AND start <= :since
  ), :since)
ORDER BY start, part

-- name: organizations_to_count
SELECT id FROM organization WHERE organization.arrival > 0 AND NOT EXISTS (
  SELECT 1 FROM analytics
  WHERE analytics.organization = organization.number
    AND analytics.arrival >= organization.arrival
) OR EXISTS (
  SELECT 1 FROM analytics_removal
  WHERE analytics_removal.organization = organization.number
)
