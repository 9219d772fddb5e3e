-- Every statement by its name. A line says why it is as it is.

-- name: range
-- One stretch of one index, in its order; a page is the merge of a few.
SELECT {key} AS key, number FROM {table} INDEXED BY {index}
WHERE {conditions}

-- name: skipping
-- One stretch in the order of arrival, summary by summary: what is outside of the span is
-- skipped. Written as nested loops so that SQLite sees that they are in order.
SELECT {table}.number AS key, {table}.number AS number,
  outside.number AS outside, middle.number AS middle, inside.number AS inside
FROM {table}_summary AS outside
CROSS JOIN {table}_summary AS middle
CROSS JOIN {table}_summary AS inside
CROSS JOIN {table} INDEXED BY {index}
WHERE outside.organization = :organization AND outside.shift = 16
  AND {outside}
  AND middle.organization = :organization AND middle.shift = 12
  AND middle.number BETWEEN outside.number << 4 AND (outside.number << 4) + 15
  AND {middle}
  AND inside.organization = :organization AND inside.shift = 8
  AND inside.number BETWEEN middle.number << 4 AND (middle.number << 4) + 15
  AND {inside}
  AND {table}.number BETWEEN inside.number << 8 AND (inside.number << 8) + 255
  AND {conditions}

-- name: widen_summary
INSERT INTO {table}_summary VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET
  first_at = min(first_at, excluded.first_at),
  last_at = max(last_at, excluded.last_at),
  types = types | excluded.types

-- name: add_offsets
-- Written only where it changes something, which is seldom.
INSERT INTO day_offset (organization, day, quarter, low, high)
VALUES {(:organization, :day, :quarter, :low, :high)}
ON CONFLICT DO UPDATE SET low = min(low, excluded.low), high = max(high, excluded.high)
WHERE excluded.low < low OR excluded.high > high

-- name: has_many
-- Whether a contact has more than so many events.
SELECT 1 FROM event INDEXED BY event_by_contact WHERE contact = :contact
LIMIT 1 OFFSET :many

-- name: ends_of_contact
SELECT
  (SELECT local_at FROM event INDEXED BY event_by_contact
   WHERE contact = :contact ORDER BY local_at LIMIT 1),
  (SELECT local_at FROM event INDEXED BY event_by_contact
   WHERE contact = :contact ORDER BY local_at DESC LIMIT 1)

-- name: stride
SELECT abs(local_at - :local_at) FROM event INDEXED BY event_by_contact
WHERE contact = :contact AND local_at {sign} :local_at
ORDER BY local_at {direction} LIMIT 1 OFFSET :size

-- name: count_up_to
SELECT count(*) FROM (SELECT 1 FROM ({ranges}) LIMIT :enough)

-- name: instants_of_rows
SELECT min(first_at), max(last_at) FROM event_summary
WHERE organization = ? AND shift = ? AND number BETWEEN ? AND ?

-- name: candidates
-- A contact's events of some local times, and whether they are in some rows.
SELECT number BETWEEN :first AND :last AS fits
FROM event INDEXED BY event_by_contact
WHERE {conditions} AND local_at BETWEEN :low{number} AND :high{number}
  AND created_at >= ifnull(:start, created_at)
  AND created_at <= ifnull(:end, created_at)

-- name: count_candidates
SELECT count(*), ifnull(sum(fits), 0) FROM (SELECT fits FROM ({arms}) LIMIT :most)

-- name: offsets
SELECT day, low, high FROM day_offset
WHERE organization = ? AND day BETWEEN ? AND ?

-- name: few
-- A small page and the event after it, in one row: at each row the GIL is given up, and
-- who computes may keep it for a millisecond.
SELECT json_group_array(json_array(page.key, page.number, length(body.body))),
  cast(group_concat(cast(body.body AS TEXT), :separator) AS BLOB)
FROM ({ranges}
      ORDER BY {order} LIMIT :size + 1) AS page
CROSS JOIN body ON body.number = page.number

-- name: ends
-- The last event of a full page, and the one after it if there is one.
{ranges}
ORDER BY {order} LIMIT 2 OFFSET :size - 1

-- name: last
-- The last event of a page that is not full: the first in the opposite order.
{ranges}
ORDER BY {order} LIMIT 1

-- name: bodies
-- The page as one blob: joined inside the engine, the GIL released. As text a body is not
-- copied once more by the join, which saves a tenth.
SELECT count(*), cast(group_concat(cast(body.body AS TEXT), :separator) AS BLOB)
FROM ({ranges}
      ORDER BY {order} LIMIT :size) AS page
CROSS JOIN body ON body.number = page.number

-- name: entries
-- A part of the log, each row with its arrival number.
SELECT (
  SELECT arrival + page.number - arrival_range.number FROM arrival_range
  WHERE organization = :organization AND arrival_range.number <= page.number
  ORDER BY arrival_range.number DESC LIMIT 1
), body.body
FROM ({ranges}
      ORDER BY {order} LIMIT :size) AS page
CROSS JOIN body ON body.number = page.number

-- name: newest_arrivals
SELECT id, arrival FROM organization
WHERE id IN (SELECT value FROM json_each(:organizations))

-- name: newest_row
-- Bodies are never deleted, so no number is given twice.
SELECT coalesce(max(number), 0) FROM body

-- name: give_arrivals
UPDATE organization SET arrival = arrival + :count WHERE number = :organization
RETURNING arrival

-- name: add_arrival_range
-- Unless the organization's last range goes on.
INSERT INTO arrival_range
SELECT :organization, :arrival, :number
WHERE :number - :arrival IS NOT (
  SELECT number - arrival FROM arrival_range
  WHERE organization = :organization ORDER BY arrival DESC LIMIT 1
)

-- name: rows_of_arrivals
-- The last rows that arrived up to two numbers; 0 if there is none. An arrival that is not
-- stored any more stands before the next range.
WITH asked (arrival) AS (VALUES (:after), (min(ifnull(:bound, 1 << 62), (
  SELECT arrival FROM organization WHERE number = :organization
))))
SELECT ifnull((
  SELECT min(number + asked.arrival - arrival, ifnull((
    SELECT later.number - 1 FROM arrival_range AS later
    WHERE later.organization = :organization AND later.arrival > asked.arrival
    ORDER BY later.arrival LIMIT 1
  ), 1 << 62))
  FROM arrival_range
  WHERE organization = :organization AND arrival <= asked.arrival
  ORDER BY arrival DESC LIMIT 1
), 0)
FROM asked

-- name: arrival_of_row
SELECT arrival + :number - number FROM arrival_range
WHERE organization = :organization AND number <= :number
ORDER BY number DESC LIMIT 1

-- name: version
SELECT version FROM organization WHERE number = :organization

-- name: next_version
UPDATE organization SET version = version + 1 WHERE number = :organization
RETURNING version

-- name: organization
-- Its number, with which the event rows are marked.
SELECT number FROM organization WHERE id = :id

-- name: organization_log
-- Its number, and its newest arrival number.
SELECT number, arrival FROM organization WHERE id = :id

-- name: organizations
SELECT id, name, created_at FROM organization ORDER BY number

-- name: add_organization
INSERT INTO organization (id, name, created_at) VALUES (:id, :name, :created_at)

-- name: contact
-- By digest, for the index must not hold ids.
SELECT number FROM contact WHERE organization = :organization AND key = :key

-- name: contact_numbers
-- A bulk statement: the row in braces stands for many; see bulk.py. Which of the asked it
-- is, and its number.
WITH asked (organization, asked, key) AS (VALUES {(:organization, :asked, :key)})
SELECT json_group_array(json_array(asked.asked, contact.number))
FROM asked CROSS JOIN contact
  ON contact.organization = asked.organization AND contact.key = asked.key

-- name: add_contacts
-- Of keys that are not there: a clause for conflicts takes twice as long, unused.
INSERT OR FAIL INTO contact (organization, key, id) VALUES {(:organization, :key, :id)}
RETURNING key, number

-- name: add_events
-- OR FAIL: what fails undoes more than the statement, so it keeps no journal for itself,
-- in which each statement would copy all pages that it touches.
INSERT OR FAIL INTO event
  (organization, number, contact, type, created_at, local_at, key)
VALUES {(:organization, :number, :contact, :type, :created_at, :local_at, :key)}

-- name: add_bodies
INSERT OR FAIL INTO body (number, body) VALUES {(:number, :body)}

-- name: stored
-- The bodies of events by their keys, to tell duplicates from conflicts.
WITH asked (organization, key) AS (VALUES {(:organization, :key)})
SELECT asked.key, body.body FROM asked CROSS JOIN event
  ON event.organization = asked.organization AND event.key = asked.key
CROSS JOIN body ON body.number = event.number

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
-- All that letting a request in needs, in one step: a service, or a signed-in user.
SELECT client_key, organization, role, scopes, locations, created_at, revoked_at,
  secret_hash, EXISTS (SELECT 1 FROM revoked_token WHERE token_id = :token_id)
FROM service WHERE client_key = :client_key
UNION ALL
SELECT key, organization, role, scopes, locations, console_user.created_at, revoked_at,
  digest, EXISTS (SELECT 1 FROM revoked_token WHERE token_id = :token_id)
FROM console_session JOIN console_user ON console_user.id = user_id
WHERE key = :client_key

-- name: services
SELECT client_key, organization, role, scopes, locations, created_at, revoked_at
FROM service ORDER BY created_at, client_key

-- name: services_of
SELECT client_key, organization, role, scopes, locations, created_at, revoked_at
FROM service WHERE organization = :organization ORDER BY created_at, client_key

-- name: revoke_service
UPDATE service SET revoked_at = coalesce(revoked_at, :now)
WHERE client_key = :client_key

-- name: revoke_token
INSERT INTO revoked_token (token_id, expires_at) VALUES (:token_id, :expires_at)
ON CONFLICT DO NOTHING

-- name: forget_tokens
DELETE FROM revoked_token WHERE expires_at < :now

-- name: store_key
SELECT key FROM store_key WHERE purpose = :purpose
