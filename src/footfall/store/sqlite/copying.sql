-- The statements of copying; see store/copying.py. By number, rows of all organizations
-- are passed over (`+organization`): else SQLite would sort an organization's for
-- each batch.

-- name: is_served
SELECT EXISTS (SELECT 1 FROM lease WHERE until_at > :now)

-- name: organization_state
SELECT arrival, version, registry, settings, forgotten_until FROM organization
WHERE number = :organization

-- name: put_organization_state
UPDATE organization SET arrival = :arrival, version = :version, registry = :registry,
  settings = :settings, forgotten_until = :forgotten_until
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

-- name: others_than_copies
SELECT id FROM organization WHERE number NOT IN (SELECT organization FROM copy_mark)
LIMIT 1

-- name: take_row
INSERT INTO {table} ({columns}) VALUES ({places})

-- name: rows_of_service
SELECT client_key, role, scopes, locations, secret_hash, created_at, revoked_at
FROM service
WHERE organization = (SELECT id FROM organization WHERE number = :organization)
  AND client_key > :after
ORDER BY client_key

-- name: rows_of_console_user
SELECT id, email, name, role, scopes, locations, password_hash, created_at,
  revoked_at
FROM console_user
WHERE organization = (SELECT id FROM organization WHERE number = :organization)
  AND id > :after
ORDER BY id

-- name: rows_of_key
-- Of each purpose the last one holds; a deleted one is zeros.
SELECT purpose, key FROM organization_key AS newest
WHERE organization = :organization AND purpose > :after AND number = (
  SELECT max(number) FROM organization_key
  WHERE organization = newest.organization AND purpose = newest.purpose
) AND key <> zeroblob(length(key))
ORDER BY purpose

-- name: rows_of_location
SELECT number, id, body, settings, deleted, changed FROM location
WHERE +organization = :organization AND number > :after ORDER BY number

-- name: rows_of_hotspot
SELECT number, id, location, body, deleted, changed FROM hotspot
WHERE +organization = :organization AND number > :after ORDER BY number

-- name: rows_of_source
SELECT rowid, id, kind, body FROM source
WHERE +organization = :organization AND rowid > :after ORDER BY rowid

-- name: rows_of_contact
SELECT number, iif(typeof(id) = 'text', id, NULL), iif(typeof(id) = 'text', NULL, key),
  iif(typeof(id) = 'text', (
    SELECT body FROM profile WHERE contact = contact.number ORDER BY number DESC LIMIT 1
  ), NULL)
FROM contact
WHERE +organization = :organization AND number > :after ORDER BY number

-- name: rows_of_identity
SELECT key, contact FROM identity
WHERE organization = :organization AND key > :after ORDER BY key

-- name: rows_of_owner
SELECT device, since_at, contact, randomised, pseudonym FROM owner
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
FROM stay CROSS JOIN stay_end ON stay_end.stay = stay.number
WHERE +organization = :organization AND number > :after ORDER BY number

-- name: rows_of_webhook
SELECT number, id, version, body, state FROM webhook
WHERE +organization = :organization AND number > :after ORDER BY number

-- name: rows_of_pending_delivery
SELECT webhook, arrivals, attempts, retry_at, due_at, early FROM pending_delivery
WHERE +organization = :organization AND (webhook, arrivals) > (:after, :after_too)
ORDER BY webhook, arrivals

-- name: rows_of_delivery
SELECT number, webhook, request, at, outcome, attempt, arrival, contact, duration,
  status, reason, event, answer
FROM delivery
WHERE +organization = :organization AND number > :after ORDER BY number

-- name: rows_of_observation_batch
SELECT number, received_at, first_at, last_at, format, records FROM observation_batch
WHERE +organization = :organization AND number > :after ORDER BY number

-- name: contact_of_key
SELECT key, id FROM contact
WHERE organization = :organization AND key = :key AND typeof(id) = 'text'

-- name: events_after
-- Beyond a row: by their numbers, events are in the order of arrival.
SELECT (
  SELECT arrival + event.number - number FROM arrival_range
  WHERE organization = :organization AND number <= event.number
  ORDER BY number DESC LIMIT 1
), contact, type, created_at, local_at, key, body
FROM event INDEXED BY event_by_arrival CROSS JOIN body USING (number)
WHERE organization = :organization AND event.number > :after ORDER BY event.number

-- name: withdrawals_after
SELECT (
  SELECT arrival + withdrawal.number - number FROM arrival_range
  WHERE organization = :organization AND number <= withdrawal.number
  ORDER BY number DESC LIMIT 1
), contact, type, created_at, NULL, NULL, body
FROM withdrawal INDEXED BY withdrawal_by_arrival CROSS JOIN body USING (number)
WHERE organization = :organization AND withdrawal.number > :after
ORDER BY withdrawal.number

-- name: last_range
-- The number of a row less its arrival, where the organization's last range goes on.
SELECT number - arrival FROM arrival_range
WHERE organization = :organization ORDER BY arrival DESC LIMIT 1
