-- The statements of migration 7, in the words of its schema; see `keys.seal_all`.

-- name: add_store_key
INSERT INTO store_key (purpose, key) VALUES (?, ?)

-- name: clear_keys
-- All of them; deleted ones are zeros.
SELECT key.number, key.organization, organization.id, key.purpose, key.key
FROM organization_key AS key
JOIN organization ON organization.number = key.organization
WHERE key.key <> zeroblob(length(key.key))

-- name: wipe_key
UPDATE organization_key SET key = zeroblob(length(key)) WHERE number = ?

-- name: add_key
INSERT INTO organization_key (organization, purpose, key)
VALUES (:organization, :purpose, :key)

-- name: all_blocks
SELECT number, organization, records FROM block

-- name: put_records
UPDATE block SET records = ? WHERE number = ?

-- name: contact_ids
SELECT number, id FROM contact WHERE typeof(id) = 'text'

-- name: contact_by_key
SELECT id FROM contact
WHERE organization = :organization AND key = :key AND typeof(id) = 'text'

-- name: put_contact_key
UPDATE contact SET key = ? WHERE number = ?
