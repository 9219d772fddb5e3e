-- The statements of an organization's transactions; see statements.sql.

-- name: registry_version
SELECT registry, settings FROM organization WHERE number = :organization

-- name: touch_registry
UPDATE organization SET registry = registry + 1 WHERE number = :organization
RETURNING registry

-- name: put_settings
UPDATE organization SET settings = :settings, registry = registry + 1
WHERE number = :organization

-- name: key
SELECT key FROM organization_key
WHERE organization = :organization AND purpose = :purpose
ORDER BY number DESC LIMIT 1

-- name: add_key
INSERT INTO organization_key (organization, purpose, key)
VALUES (:organization, :purpose, :key)

-- name: wipe_keys
-- In place, like all that must be gone from the file.
UPDATE organization_key SET key = zeroblob(length(key))
WHERE organization = :organization AND purpose = :purpose

-- name: locations
-- Those that changed after a version.
SELECT number, body, settings, deleted FROM location
WHERE organization = :organization AND changed > :since ORDER BY number

-- name: put_location
INSERT INTO location (organization, id, body, settings, deleted, changed)
VALUES (:organization, :id, :body, :settings, :deleted, :changed)
ON CONFLICT (organization, id) DO UPDATE
SET body = :body, settings = :settings, deleted = :deleted, changed = excluded.changed

-- name: hotspots
-- Those that changed after a version.
SELECT number, body, location, deleted FROM hotspot
WHERE organization = :organization AND changed > :since ORDER BY number

-- name: put_hotspot
INSERT INTO hotspot (organization, id, location, body, changed)
VALUES (:organization, :id, (
  SELECT number FROM location WHERE organization = :organization AND id = :location
), :body, :changed)
ON CONFLICT (organization, id) DO UPDATE
SET location = excluded.location, body = :body, changed = excluded.changed, deleted = 0

-- name: delete_hotspot
-- It stays, so that whoever knows an older version learns of it.
UPDATE hotspot SET deleted = 1, changed = :changed
WHERE organization = :organization AND id = :id

-- name: shared_external_ids
-- Locations of an organization whose externalId an older one of it has.
SELECT organization.id, later.id, json_extract(later.body, '$.externalId')
FROM location AS later JOIN organization ON organization.number = later.organization
WHERE NOT later.deleted AND json_extract(later.body, '$.externalId') IN (
  SELECT json_extract(body, '$.externalId') FROM location AS earlier
  WHERE earlier.organization = later.organization AND earlier.number < later.number
    AND NOT earlier.deleted
)
LIMIT 100

-- name: contact_ids
WITH asked (contact) AS (VALUES {(:contact)})
SELECT json_group_array(json_array(number, id))
FROM asked CROSS JOIN contact ON contact.number = asked.contact
WHERE typeof(id) = 'text'

-- name: profile
SELECT body FROM profile WHERE contact = :contact ORDER BY number DESC LIMIT 1

-- name: forget_profiles
-- In place, like all that must be gone from the file.
UPDATE profile SET body = zeroblob(length(body)) WHERE contact = :contact

-- name: add_profile
INSERT INTO profile (contact, body) VALUES (:contact, :body)

-- name: identity
SELECT contact FROM identity WHERE organization = :organization AND key = :key

-- name: delete_identities
DELETE FROM identity WHERE contact = :contact

-- name: put_identity
INSERT INTO identity (organization, key, contact)
VALUES (:organization, :key, :contact)
ON CONFLICT DO UPDATE SET contact = excluded.contact

-- name: owners_at
-- Of each that had an owner then: which of the asked it is, whose, since when, and since
-- when its newest owner has it.
WITH asked (organization, asked, device, at)
  AS (VALUES {(:organization, :asked, :device, :at)})
SELECT json_group_array(json_array(asked.asked, owner.contact, owner.since_at, (
  SELECT max(since_at) FROM owner AS newest
  WHERE newest.organization = asked.organization AND newest.device = asked.device
)))
FROM asked CROSS JOIN owner
  ON owner.organization = asked.organization AND owner.device = asked.device
  AND owner.since_at = (
    SELECT max(since_at) FROM owner AS known
    WHERE known.organization = asked.organization AND known.device = asked.device
      AND known.since_at <= asked.at
  )

-- name: ownerships
SELECT device, since_at, contact, randomised, pseudonym FROM owner
WHERE organization = :organization AND device = :device ORDER BY since_at

-- name: devices
SELECT device, since_at, contact, randomised, pseudonym FROM owner
WHERE contact = :contact ORDER BY device, since_at

-- name: put_ownership
INSERT INTO owner (organization, device, since_at, contact, randomised, pseudonym)
VALUES (:organization, :device, :since_at, :contact, :randomised, :pseudonym)
ON CONFLICT (organization, device, since_at)
DO UPDATE SET contact = excluded.contact, pseudonym = excluded.pseudonym

-- name: add_ownerships
-- Of devices without an owner: a clause for conflicts takes twice as long, unused.
INSERT OR FAIL INTO owner (organization, device, since_at, contact, randomised, pseudonym)
VALUES {(:organization, :device, :since_at, :contact, :randomised, :pseudonym)}

-- name: delete_ownerships
DELETE FROM owner WHERE contact = :contact

-- name: newest_stays
WITH asked (contact, place_kind, place) AS (VALUES {(:contact, :place_kind, :place)})
SELECT json_group_array(json_array(
  stay.number, stay.contact, stay.place_kind, stay.place, first_at, last_at, start_at,
  hotspot, visit_at, minimum_dwell, session_timeout, maximum_visit, check_at IS NOT NULL
))
FROM asked CROSS JOIN stay ON stay.number = (
  SELECT number FROM stay AS newest
  WHERE newest.contact = asked.contact AND newest.place_kind = asked.place_kind
    AND newest.place = asked.place
  ORDER BY newest.first_at DESC LIMIT 1
)
CROSS JOIN stay_end ON stay_end.stay = stay.number

-- name: stays
-- Stays of one place never overlap, so those that reach into a span are its latest.
SELECT number, contact, place_kind, place, first_at, last_at, start_at, hotspot, visit_at,
  minimum_dwell, session_timeout, maximum_visit, check_at IS NOT NULL
FROM (
  SELECT * FROM stay
  WHERE contact = :contact AND place_kind = :place_kind AND place = :place
    AND first_at <= :high
  ORDER BY first_at DESC LIMIT :limit
)
JOIN stay_end ON stay = number
WHERE last_at >= :low

-- name: stays_of
SELECT number, contact, place_kind, place, first_at, last_at, start_at, hotspot, visit_at,
  minimum_dwell, session_timeout, maximum_visit, check_at IS NOT NULL
FROM stay JOIN stay_end ON stay = number WHERE contact = :contact LIMIT :limit

-- name: open_stays
SELECT number, contact, place_kind, place, first_at, last_at, start_at, hotspot, visit_at,
  minimum_dwell, session_timeout, maximum_visit, 1
FROM stay INDEXED BY stay_by_contact JOIN stay_end ON stay = number
WHERE contact = :contact AND check_at IS NOT NULL LIMIT :limit

-- name: stays_due
SELECT number, contact, place_kind, place, first_at, last_at, start_at, hotspot, visit_at,
  minimum_dwell, session_timeout, maximum_visit, 1
FROM stay INDEXED BY stay_by_check JOIN stay_end ON stay = number
WHERE check_at <= :now AND organization = :organization ORDER BY check_at LIMIT :limit

-- name: due
SELECT id FROM organization WHERE EXISTS (
  SELECT 1 FROM stay INDEXED BY stay_by_check
  WHERE stay.organization = organization.number AND check_at <= :now
)

-- name: postpone_stay
UPDATE stay SET check_at = :check_at WHERE number = :stay

-- name: add_ends
INSERT OR FAIL INTO stay_end (stay, last_at) VALUES {(:stay, :last_at)}

-- name: put_ends
-- What most observations do; all else is left alone.
INSERT OR FAIL INTO stay_end (stay, last_at) VALUES {(:stay, :last_at)}
ON CONFLICT (stay) DO UPDATE SET last_at = excluded.last_at

-- name: delete_end
DELETE FROM stay_end WHERE stay = :stay

-- name: change_stay
UPDATE stay SET
  first_at = :first_at, start_at = :start_at, hotspot = :hotspot, visit_at = :visit_at,
  minimum_dwell = :minimum_dwell, session_timeout = :session_timeout,
  maximum_visit = :maximum_visit, check_at = :check_at
WHERE number = :stay

-- name: add_stays
INSERT OR FAIL INTO stay (
  organization, contact, place_kind, place, first_at, start_at, hotspot, visit_at,
  minimum_dwell, session_timeout, maximum_visit, check_at
) VALUES {(
  :organization, :contact, :place_kind, :place, :first_at, :start_at, :hotspot, :visit_at,
  :minimum_dwell, :session_timeout, :maximum_visit, :check_at
)}
RETURNING contact, place_kind, place, first_at, number

-- name: delete_stay
DELETE FROM stay WHERE number = :stay

-- name: event
SELECT number, contact, type, created_at, body FROM event JOIN body USING (number)
WHERE organization = ? AND key = ?

-- name: delete_event
DELETE FROM event WHERE number = ?

-- name: touch_event
-- Reads the pages that its deletion changes, so that the writer need not wait for the disk.
SELECT
  (SELECT length(body) FROM body WHERE number = one.number),
  (SELECT 1 FROM event INDEXED BY event_by_key
   WHERE organization = one.organization AND key = one.key),
  (SELECT 1 FROM event INDEXED BY event_by_arrival
   WHERE organization = one.organization AND number = one.number
     AND created_at = one.created_at AND type = one.type),
  (SELECT 1 FROM event INDEXED BY event_by_local
   WHERE organization = one.organization AND local_at = one.local_at
     AND number = one.number),
  (SELECT 1 FROM event INDEXED BY event_by_utc
   WHERE organization = one.organization AND created_at = one.created_at
     AND number = one.number),
  (SELECT 1 FROM event INDEXED BY event_by_type_local
   WHERE organization = one.organization AND type = one.type
     AND local_at = one.local_at AND number = one.number),
  (SELECT 1 FROM event INDEXED BY event_by_type_utc
   WHERE organization = one.organization AND type = one.type
     AND created_at = one.created_at AND number = one.number)
FROM event AS one WHERE number = ?

-- name: wipe_body
UPDATE body SET body = zeroblob(length(body)) WHERE number = ?

-- name: add_withdrawal
INSERT INTO withdrawal (number, organization, contact, type, created_at)
VALUES (?, ?, ?, ?, ?)

-- name: add_batch
-- Not twice: what is sent again is the same batch.
INSERT INTO observation_batch
  (organization, received_at, first_at, last_at, format, records)
SELECT :organization, :received_at, :first_at, :last_at, :format, :records
WHERE NOT EXISTS (
  SELECT 1 FROM observation_batch WHERE organization = :organization
    AND last_at = :last_at AND first_at = :first_at AND records = :records
)

-- name: batches
SELECT format, records FROM observation_batch
WHERE organization = :organization AND last_at >= :since AND first_at <= :until
ORDER BY number

-- name: newest_batches
-- Those that no index covers yet.
SELECT format, records FROM observation_batch
WHERE organization = :organization AND last_at >= :since AND first_at <= :until
  AND number > (SELECT ifnull(max(number), 0) FROM device_index)

-- name: indexes_since
SELECT number FROM device_index WHERE last_at >= :since

-- name: page_of_device
-- The one page of an index in which a device is, if it is in it at all.
SELECT first_batch, entries FROM device_index
JOIN device_index_page ON device_index_page.number = (
  SELECT number FROM device_index_page
  WHERE device_index = ?1 AND first_device <= ?2 ORDER BY first_device DESC LIMIT 1
)
WHERE device_index.number = ?1 AND instr(entries, ?2)

-- name: batch
SELECT format, records FROM observation_batch
WHERE number = :number AND organization = :organization

-- name: index_end
SELECT ifnull(max(number), 0) FROM device_index

-- name: uncovered_batches
SELECT number, last_at, length(records) FROM observation_batch
WHERE number > ? ORDER BY number LIMIT ?

-- name: records_between
SELECT number, records FROM observation_batch WHERE number BETWEEN ? AND ?

-- name: add_index
INSERT INTO device_index (number, first_batch, last_at) VALUES (?, ?, ?)

-- name: add_index_page
INSERT INTO device_index_page (device_index, first_device, entries) VALUES (?, ?, ?)

-- name: idle_indexes
-- Whose batches are gone; and those beyond the last batch, whose numbers come again.
SELECT number FROM device_index
WHERE number < (SELECT ifnull(min(number), 1 << 62) FROM observation_batch)
  OR number > (SELECT ifnull(max(number), 0) FROM observation_batch)

-- name: delete_index_pages
DELETE FROM device_index_page WHERE device_index = ?

-- name: delete_index
DELETE FROM device_index WHERE number = ?

-- name: is_heard_since
SELECT EXISTS (
  SELECT 1 FROM observation_batch
  WHERE organization = :organization AND last_at >= :since
)

-- name: put_reattribution
INSERT INTO reattribution (organization, device, since_at, until_at, former, heir)
VALUES (:organization, :device, :since_at, :until_at, :former, :heir)

-- name: reattributions
SELECT device, since_at, until_at, former, heir, number FROM reattribution
WHERE organization = :organization ORDER BY number LIMIT :limit

-- name: delete_reattribution
DELETE FROM reattribution WHERE number = :number

-- name: organizations_to_reattribute
SELECT id FROM organization WHERE EXISTS (
  SELECT 1 FROM reattribution WHERE reattribution.organization = organization.number
)

-- name: forgotten_until
-- What was heard up to here may have been forgotten.
SELECT forgotten_until FROM organization WHERE number = :organization

-- name: note_forgotten
UPDATE organization SET forgotten_until = max(forgotten_until, ?) WHERE number = ?

-- name: old_batches
-- They lie in the order of their arrival, so the oldest are in front.
SELECT number, organization, last_at FROM (
  SELECT number, organization, last_at, received_at FROM observation_batch
  ORDER BY number LIMIT 500
) WHERE received_at < :before

-- name: delete_batch
DELETE FROM observation_batch WHERE number = ?

-- name: session
SELECT at, ended_at FROM session WHERE organization = :organization AND key = :key

-- name: put_session
INSERT INTO session (organization, key, nas, at) VALUES (:organization, :key, :nas, :at)
ON CONFLICT DO UPDATE SET at = excluded.at, ended_at = NULL

-- name: end_sessions
UPDATE session SET ended_at = :at
WHERE organization = :organization AND nas = :nas AND at <= :at AND ended_at IS NULL
RETURNING key

-- name: forget_sessions
DELETE FROM session WHERE at < :before

-- name: put_source
INSERT INTO source (id, organization, kind, body)
VALUES (:id, :organization, :kind, :body)

-- name: sources
SELECT source.body FROM source JOIN organization
  ON organization.number = source.organization
WHERE :organization IS NULL OR organization.id = :organization
ORDER BY source.rowid

-- name: source
SELECT body FROM source WHERE id = :id

-- name: delete_source
DELETE FROM source WHERE id = :id AND organization = :organization RETURNING id

-- name: add_rejection
INSERT INTO rejection (organization, source, at, reason, body)
VALUES (:organization, :source, :at, :reason, :body)

-- name: rejections
SELECT source, at, reason, body, number FROM rejection WHERE organization = :organization
ORDER BY number DESC LIMIT :limit

-- name: rejections_of_source
SELECT source, at, reason, body, number FROM rejection
WHERE organization = :organization AND source = :source AND number < :before
ORDER BY number DESC LIMIT :limit

-- name: rejection_counts
SELECT source, count(*) FROM rejection WHERE organization = :organization
GROUP BY source

-- name: own_sources
SELECT body FROM source WHERE organization = :organization ORDER BY rowid

-- name: note_heard
INSERT INTO last_heard (organization, kind, id, at)
VALUES (:organization, :kind, :id, :at)
ON CONFLICT (organization, kind, id) DO UPDATE SET at = excluded.at
WHERE excluded.at > last_heard.at

-- name: last_heard
SELECT id, at FROM last_heard WHERE organization = :organization AND kind = :kind

-- name: forget_heard
DELETE FROM last_heard
WHERE organization = :organization AND kind = :kind AND id = :id

-- name: surplus_rejections
SELECT number FROM rejection WHERE organization = :organization
ORDER BY number DESC LIMIT -1 OFFSET :most

-- name: old_rejections
SELECT number FROM (SELECT number, at FROM rejection ORDER BY number LIMIT 500)
WHERE at < :before

-- name: delete_rejection
-- Overwritten in its place first. The reason is a text, so its zeros are digits, one for
-- each byte.
UPDATE rejection SET body = zeroblob(length(body)),
  reason = substr(hex(zeroblob(octet_length(reason))), 1, octet_length(reason))
WHERE number = :number;
DELETE FROM rejection WHERE number = :number

-- name: contact_row
SELECT key, id FROM contact WHERE number = :contact

-- name: erased_devices
-- With when the next owner had each, and whether nobody had it before.
SELECT device, since_at, (
  SELECT min(since_at) FROM owner AS later WHERE organization = :organization
    AND later.device = owner.device AND later.since_at > owner.since_at
), NOT EXISTS (
  SELECT 1 FROM owner AS former WHERE organization = :organization
    AND former.device = owner.device AND former.since_at < owner.since_at
)
FROM owner WHERE contact = :contact

-- name: newest_batch
SELECT coalesce(max(number), 0) FROM observation_batch

-- name: add_erasure
INSERT INTO erasure (organization, contact, entry, state, body)
VALUES (:organization, :contact, :entry, 0, :body) RETURNING number

-- name: erasures_in_state
SELECT number, organization, contact, entry FROM erasure
WHERE state = :state AND state < 2

-- name: erasure_body
SELECT body FROM erasure WHERE number = :number

-- name: wipe_erasure
UPDATE erasure SET body = zeroblob(length(body)), state = 1 WHERE number = :number

-- name: end_erasure
UPDATE erasure SET state = 2 WHERE number = ?

-- name: erasure_entries
SELECT entry FROM erasure

-- name: erased_events
SELECT number, length(body) FROM event INDEXED BY event_by_contact
JOIN body USING (number) WHERE contact = :contact LIMIT :limit

-- name: erased_withdrawals
SELECT number, length(body) FROM withdrawal INDEXED BY withdrawal_by_contact
JOIN body USING (number) WHERE contact = :contact LIMIT :limit

-- name: delete_withdrawal
DELETE FROM withdrawal WHERE number = ?

-- name: erased_stays
SELECT number FROM stay WHERE contact = :contact LIMIT :limit

-- name: erased_profiles
SELECT number FROM profile WHERE contact = :contact AND number > :after
ORDER BY number LIMIT :limit

-- name: wipe_profile
UPDATE profile SET body = zeroblob(length(body)) WHERE number = ?

-- name: batches_with
-- By number, so that what is read at once is bounded.
SELECT number FROM observation_batch
WHERE number > :after AND number <= :until AND +organization = :organization
  AND EXISTS (SELECT 1 FROM json_each(:subjects) WHERE instr(records, unhex(value)))

-- name: batch_records
SELECT number, records FROM observation_batch WHERE number = ?

-- name: put_records
UPDATE observation_batch SET records = ? WHERE number = ?

-- name: rejections_after
SELECT number, reason, body FROM rejection
WHERE organization = :organization AND number > :after ORDER BY number LIMIT :limit

-- name: organization_id
SELECT id FROM organization WHERE number = :organization

-- name: delete_own_reattributions
-- Of the devices that are or were a contact's.
DELETE FROM reattribution WHERE organization = (
  SELECT organization FROM contact WHERE number = :contact
) AND device IN (SELECT device FROM owner WHERE contact = :contact)
