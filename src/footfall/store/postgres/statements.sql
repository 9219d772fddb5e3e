-- Every statement by its name. A line says why it is as it is.

-- name: organization_number
SELECT number FROM organization_number WHERE id = :id

-- name: newest_arrival
SELECT arrival FROM organization WHERE number = :organization

-- name: newest_arrivals
SELECT id, arrival FROM organization WHERE id = ANY(:organizations)

-- name: announce
SELECT pg_notify(:channel, :payload)

-- name: lock_organization
-- First in each write: the lock on the row makes the writes of an organization follow
-- each other, and its version says whether what is remembered of presence still holds.
SELECT version FROM organization WHERE number = :organization FOR NO KEY UPDATE

-- name: next_version
-- What others remember of presence holds no more, and a copy is no longer the same.
UPDATE organization SET version = version + 1 WHERE number = :organization
RETURNING version

-- name: give_arrivals
UPDATE organization SET arrival = arrival + :count WHERE number = :organization
RETURNING arrival

-- name: organizations
SELECT id, name, created_at FROM organization ORDER BY number

-- name: add_organization_number
INSERT INTO organization_number (id) VALUES (:id) RETURNING number

-- name: add_organization
INSERT INTO organization (number, id, name, created_at)
VALUES (:organization, :id, :name, :created_at)

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
WHERE client_key = :client_key RETURNING client_key

-- name: revoke_token
INSERT INTO revoked_token (token_id, expires_at) VALUES (:token_id, :expires_at)
ON CONFLICT DO NOTHING

-- name: forget_tokens
DELETE FROM revoked_token WHERE expires_at < :now

-- name: store_key
SELECT key FROM store_key WHERE purpose = :purpose

-- name: add_store_key
-- Unless another server was first.
INSERT INTO store_key (purpose, key) VALUES (:purpose, :key) ON CONFLICT DO NOTHING

-- name: page
-- One page: the arms are merged in the order of their indexes. One row more is read,
-- which says whether there is more. Each arm has the order and the limit too: without
-- them PostgreSQL does not see that it is in order, and sorts all that it holds.
SELECT key, arrival, body FROM ({arms}) AS arm ORDER BY {order} LIMIT {size} + 1

-- name: arm
(SELECT {key} AS key, arrival, body FROM {table}
WHERE organization = :organization AND {conditions}
ORDER BY {order} LIMIT {size} + 1)

-- name: sorted_arm
-- Without the fence PostgreSQL would read the index of the organization in that order,
-- which has all other contacts' events too.
(SELECT key, arrival, body FROM (
   SELECT {key} AS key, arrival, body FROM {table}
   WHERE organization = :organization AND {conditions}
   OFFSET 0
 ) AS found
ORDER BY {order} LIMIT {size} + 1)

-- name: has_many
-- Whether a contact has more than so many events.
SELECT 1 FROM event WHERE organization = :organization AND contact = :contact
ORDER BY local_at OFFSET :many LIMIT 1

-- name: offsets
SELECT day, low, high FROM day_offset
WHERE organization = :organization AND day BETWEEN :first AND :last

-- name: contact
SELECT number FROM contact WHERE organization = :organization AND key = :key

-- name: sources
SELECT source.body FROM source JOIN organization_number
  ON organization_number.number = source.organization
WHERE :organization::text IS NULL OR organization_number.id = :organization
ORDER BY source.number

-- name: source
SELECT body FROM source WHERE id = :id

-- name: due
SELECT id FROM organization WHERE EXISTS (
  SELECT 1 FROM stay
  WHERE stay.organization = organization.number AND check_at <= :now
)

-- name: organizations_to_reattribute
SELECT id FROM organization WHERE EXISTS (
  SELECT 1 FROM reattribution WHERE reattribution.organization = organization.number
)

-- name: organizations_to_forget
SELECT id FROM organization WHERE EXISTS (
  SELECT 1 FROM observation_batch
  WHERE observation_batch.organization = organization.number AND received_at < :observed
) OR EXISTS (
  SELECT 1 FROM rejection
  WHERE rejection.organization = organization.number AND at < :rejections
) OR EXISTS (
  SELECT 1 FROM delivery
  WHERE delivery.organization = organization.number AND at < :rejections
)

-- name: forget_sessions
DELETE FROM session WHERE at < :before

-- name: erasures_under_way
SELECT organization.id, erasure.number, erasure.contact
FROM erasure JOIN organization ON organization.number = erasure.organization
WHERE erasure.search IS NOT NULL

-- name: erasures
-- Those of which vacuum has not yet taken the dead rows away.
SELECT count(*) FROM erasure WHERE search IS NULL

-- name: delete_erasures
DELETE FROM erasure WHERE search IS NULL AND erased_at < :before

-- name: shared_external_ids
-- Locations of an organization whose externalId an older one of it has.
WITH named AS (
  SELECT organization, number, id,
    convert_from(body, 'UTF8')::json ->> 'externalId' AS external_id
  FROM location WHERE NOT deleted
)
SELECT organization.id, later.id, later.external_id
FROM named AS later JOIN organization ON organization.number = later.organization
WHERE EXISTS (
  SELECT 1 FROM named AS earlier
  WHERE earlier.organization = later.organization AND earlier.number < later.number
    AND earlier.external_id = later.external_id
)
LIMIT 100

-- name: table_sizes
SELECT relname, pg_total_relation_size(oid) FROM pg_class
WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace
  AND relname IN ('event', 'contact', 'stay', 'observation_batch')
