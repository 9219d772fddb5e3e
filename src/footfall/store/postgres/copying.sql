-- The statements of copying; see store/copying.py.

-- name: is_served
SELECT EXISTS (SELECT 1 FROM lease WHERE until_at > :now)

-- name: organization_state
SELECT arrival, version, registry, settings, forgotten_until FROM organization
WHERE number = :organization

-- name: put_organization_state
UPDATE organization SET arrival = :arrival, version = greatest(version, :version),
  registry = :registry, settings = :settings, forgotten_until = :forgotten_until
WHERE number = :organization

-- name: count_rows
SELECT (SELECT count(*) FROM event WHERE organization = :organization)
  + (SELECT count(*) FROM withdrawal WHERE organization = :organization)
  + (SELECT count(*) FROM contact WHERE organization = :organization)
  + (SELECT count(*) FROM stay WHERE organization = :organization)
  + (SELECT count(*) FROM observation_batch WHERE organization = :organization)

-- name: revoked_tokens
SELECT token_id, expires_at FROM revoked_token

-- name: copy_mark
SELECT mark FROM copy_mark WHERE organization = :organization

-- name: put_copy_mark
INSERT INTO copy_mark (organization, mark) VALUES (:organization, :mark)
ON CONFLICT (organization) DO UPDATE SET mark = excluded.mark

-- name: columns
-- For their types, which rows in binary must have.
SELECT {columns} FROM {table} WHERE false

-- name: take_rows
COPY {table} ({columns}) FROM STDIN (FORMAT BINARY)

-- name: keep_numbers
-- So that what the store makes from now on gets numbers beyond those of the rows.
SELECT setval(counter, greatest(:number, nextval(counter)))
FROM (SELECT pg_get_serial_sequence(:table, 'number')::regclass AS counter) AS counted

-- name: count_copies
-- So that the planner knows of the rows before autovacuum comes by.
ANALYZE

-- name: rows_of_service
SELECT client_key, role, scopes, locations, secret_hash, created_at, revoked_at
FROM service
WHERE organization = (SELECT id FROM organization_number WHERE number = :organization)
  AND client_key > :after
ORDER BY client_key

-- name: rows_of_console_user
SELECT id, email, name, role, scopes, locations, password_hash, created_at,
  revoked_at
FROM console_user
WHERE organization = (SELECT id FROM organization_number WHERE number = :organization)
  AND id > :after
ORDER BY id

-- name: rows_of_key
SELECT purpose, key FROM organization_key
WHERE organization = :organization AND purpose > :after ORDER BY purpose

-- name: rows_of_location
SELECT number, id, body, settings, deleted::int, changed FROM location
WHERE organization = :organization AND number > :after ORDER BY number

-- name: rows_of_hotspot
SELECT number, id, location, body, deleted::int, changed FROM hotspot
WHERE organization = :organization AND number > :after ORDER BY number

-- name: rows_of_source
SELECT number, id, kind, body FROM source
WHERE organization = :organization AND number > :after ORDER BY number

-- name: rows_of_contact
SELECT number, id, CASE WHEN id IS NULL THEN key END, (
  SELECT body FROM profile
  WHERE profile.organization = :organization AND profile.contact = contact.number
)
FROM contact
WHERE organization = :organization AND number > :after ORDER BY number

-- name: rows_of_identity
SELECT key, contact FROM identity
WHERE organization = :organization AND key > :after ORDER BY key

-- name: rows_of_owner
SELECT device, since_at, contact, randomised::int, pseudonym::int FROM owner
WHERE organization = :organization AND (device, since_at) > (:after, :after_too)
ORDER BY device, since_at

-- name: rows_of_session
SELECT key, nas, at, ended_at FROM session
WHERE organization = :organization AND key > :after ORDER BY key

-- name: rows_of_reattribution
SELECT number, device, since_at, until_at, former, heir FROM reattribution
WHERE organization = :organization AND number > :after ORDER BY number

-- name: rows_of_rejection
SELECT number, source, at, reason, body FROM rejection
WHERE organization = :organization AND number > :after ORDER BY number

-- name: rows_of_last_heard
SELECT kind, id, at FROM last_heard
WHERE organization = :organization AND (kind, id) > (:after, :after_too)
ORDER BY kind, id

-- name: rows_of_stay
SELECT number, contact, place_kind, place, first_at, last_at, start_at, hotspot, visit_at,
  minimum_dwell, session_timeout, maximum_visit, check_at
FROM stay JOIN stay_end
  ON stay_end.organization = stay.organization AND stay_end.stay = stay.number
WHERE stay.organization = :organization AND number > :after ORDER BY number

-- name: rows_of_webhook
SELECT number, id, version, body, state FROM webhook
WHERE organization = :organization AND number > :after ORDER BY number

-- name: rows_of_pending_delivery
SELECT webhook, arrivals, attempts, retry_at, due_at, early FROM pending_delivery
WHERE organization = :organization AND (webhook, arrivals) > (:after, :after_too)
ORDER BY webhook, arrivals

-- name: rows_of_delivery
SELECT number, webhook, request, at, outcome, attempt, arrival, contact, duration,
  status, reason, event, answer
FROM delivery
WHERE organization = :organization AND number > :after ORDER BY number

-- name: rows_of_observation_batch
SELECT number, received_at, first_at, last_at, format, records FROM observation_batch
WHERE organization = :organization AND number > :after ORDER BY number

-- name: contact_of_key
SELECT key, id FROM contact
WHERE organization = :organization AND key = :key AND id IS NOT NULL

-- name: events_after
SELECT arrival, contact, type, created_at, local_at, key, body FROM event
WHERE organization = :organization AND arrival > :after ORDER BY arrival

-- name: withdrawals_after
SELECT arrival, contact, type, created_at, NULL::bigint, NULL::bytea, body
FROM withdrawal
WHERE organization = :organization AND arrival > :after ORDER BY arrival
