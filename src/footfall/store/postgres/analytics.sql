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
