-- Every statement by its name. A line says why it is as it is.

-- name: range
-- One stretch of one index, in its order; a page is the merge of a few.
SELECT {key} AS key, arrival FROM {table} INDEXED BY {index}
WHERE {conditions}

-- name: skipping
-- One stretch in the order of arrival, block by block: those outside of the span are
-- skipped. Written as three loops so that SQLite sees that they are in order.
SELECT {table}.arrival AS key, {table}.arrival AS arrival,
  outside.number AS outside, inside.number AS inside
FROM {table}_block AS outside
CROSS JOIN {table}_block AS inside
CROSS JOIN {table} INDEXED BY {index}
WHERE outside.organization = :organization AND outside.shift = 16
  AND {outside}
  AND inside.organization = :organization AND inside.shift = 8
  AND inside.number BETWEEN outside.number << 8 AND (outside.number << 8) + 255
  AND {inside}
  AND {table}.arrival BETWEEN inside.number << 8 AND (inside.number << 8) + 255
  AND {conditions}

-- name: widen_block
INSERT INTO {table}_block VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET
  first_at = min(first_at, excluded.first_at),
  last_at = max(last_at, excluded.last_at),
  types = types | excluded.types

-- name: add_offset
-- Written only where it changes something, which is seldom.
INSERT INTO day_offset VALUES (?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET low = min(low, excluded.low), high = max(high, excluded.high)
WHERE excluded.low < low OR excluded.high > high

-- name: offsets
SELECT day, low, high FROM day_offset
WHERE organization = ? AND day BETWEEN ? AND ?

-- name: ends
-- The last event of a full page, and the one after it if there is one.
{ranges}
ORDER BY {order} LIMIT 2 OFFSET :size - 1

-- name: last
-- The last event of a page that is not full.
{ranges}
ORDER BY {opposite} LIMIT 1

-- name: bodies
-- The page as one blob: joined inside the engine, the GIL released.
SELECT count(*), cast(group_concat(body.body, ',') AS BLOB)
FROM ({ranges}
      ORDER BY {order} LIMIT :size) AS page
CROSS JOIN body ON body.arrival = page.arrival

-- name: newest
-- The newest arrival number; bodies are never deleted, so none is given twice.
SELECT coalesce(max(arrival), 0) FROM body

-- name: organization
-- Its number, with which the event rows are marked.
SELECT number FROM organization WHERE id = :id

-- name: organizations
SELECT id, name, created_at FROM organization ORDER BY number

-- name: add_organization
INSERT INTO organization (id, name, created_at) VALUES (:id, :name, :created_at)

-- name: contact
-- By digest, for the index must not hold ids.
SELECT number FROM contact WHERE organization = :organization AND key = :key

-- name: add_contact
INSERT INTO contact (organization, key, id) VALUES (?, ?, ?)
ON CONFLICT (organization, key) DO NOTHING

-- name: add_event
INSERT INTO event (arrival, organization, contact, type, created_at, local_at, key)
VALUES (
  ?, ?2, (SELECT number FROM contact WHERE organization = ?2 AND key = ?3),
  ?4, ?5, ?6, ?7
)

-- name: add_body
INSERT INTO body (arrival, body) VALUES (?, ?)

-- name: stored
-- The body of an event by its id, to tell a duplicate from a conflict.
SELECT body FROM event JOIN body USING (arrival)
WHERE organization = ? AND key = ?

-- name: count_types
SELECT type, count(*) FROM event INDEXED BY event_by_contact
WHERE contact = :contact GROUP BY type

-- name: wipe_contact
-- Nothing changes its length here either, so the page is never rebalanced.
UPDATE contact SET id = zeroblob(octet_length(id)), key = randomblob(length(key))
WHERE number = :contact

-- name: add_service
INSERT INTO service
  (client_key, organization, role, scopes, locations, secret_hash, created_at)
VALUES
  (:client_key, :organization, :role, :scopes, :locations, :secret_hash, :created_at)

-- name: credential
-- All that letting a request in needs, in one step.
SELECT client_key, organization, role, scopes, locations, created_at, revoked_at, secret_hash,
  EXISTS (SELECT 1 FROM revoked_token WHERE token_id = :token_id)
FROM service WHERE client_key = :client_key

-- name: services
SELECT client_key, organization, role, scopes, locations, created_at, revoked_at
FROM service WHERE :organization IS NULL OR organization = :organization
ORDER BY created_at, client_key

-- name: revoke_service
UPDATE service SET revoked_at = coalesce(revoked_at, :now)
WHERE client_key = :client_key

-- name: revoke_token
INSERT INTO revoked_token (token_id, expires_at) VALUES (:token_id, :expires_at)
ON CONFLICT DO NOTHING

-- name: forget_tokens
DELETE FROM revoked_token WHERE expires_at < :now

-- name: store_key
SELECT key FROM store_key WHERE purpose = ?

-- name: add_store_key
INSERT INTO store_key (purpose, key) VALUES (?, ?)

-- name: clear_keys
-- All of them, in the migration that seals them; deleted ones are zeros.
SELECT key.number, key.organization, organization.id, key.purpose, key.key
FROM organization_key AS key
JOIN organization ON organization.number = key.organization
WHERE key.key <> zeroblob(length(key.key))

-- name: wipe_key
UPDATE organization_key SET key = zeroblob(length(key)) WHERE number = ?

-- name: all_blocks
SELECT number, organization, records FROM block

-- name: contact_ids
SELECT number, id FROM contact WHERE typeof(id) = 'text'

-- name: contact_by_key
SELECT id FROM contact
WHERE organization = :organization AND key = :key AND typeof(id) = 'text'

-- name: put_contact_key
UPDATE contact SET key = ? WHERE number = ?
