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

-- name: add_key
INSERT INTO organization_key (organization, purpose, key)
VALUES (:organization, :purpose, :key)

-- name: wipe_keys
DELETE FROM organization_key
WHERE organization = :organization AND purpose = :purpose

-- name: locations
-- Those that changed after a version.
SELECT number, body, settings, deleted FROM location
WHERE organization = :organization AND changed > :since ORDER BY number

-- name: put_location
INSERT INTO location (organization, id, body, settings, deleted, changed)
VALUES (:organization, :id, :body, :settings, :deleted, :changed)
ON CONFLICT (organization, id) DO UPDATE SET
  body = excluded.body, settings = excluded.settings, deleted = excluded.deleted,
  changed = excluded.changed

-- name: hotspots
-- Those that changed after a version.
SELECT number, body, location, deleted FROM hotspot
WHERE organization = :organization AND changed > :since ORDER BY number

-- name: put_hotspot
INSERT INTO hotspot (organization, id, location, body, changed)
SELECT organization, :id, number, :body, :changed FROM location
WHERE organization = :organization AND id = :location
ON CONFLICT (organization, id) DO UPDATE SET
  location = excluded.location, body = excluded.body, changed = excluded.changed,
  deleted = false

-- name: delete_hotspot
-- It stays, so that whoever knows an older version learns of it.
UPDATE hotspot SET deleted = true, changed = :changed
WHERE organization = :organization AND id = :id

-- name: contact_numbers
-- A bulk statement: it takes arrays. Which of the asked it is, and its number; looked up
-- one by one (OFFSET 0 holds the planner to it).
SELECT asked.asked, found.number
FROM unnest(:asked::bigint[], :key::bytea[]) AS asked (asked, key), LATERAL (
  SELECT number FROM contact
  WHERE organization = :organization AND contact.key = asked.key OFFSET 0
) AS found

-- name: add_contacts
INSERT INTO contact (organization, key, id)
SELECT :organization, key, id FROM unnest(:key::bytea[], :id::text[]) AS sent (key, id)
ON CONFLICT (organization, key) DO NOTHING
RETURNING key, number

-- name: contact_ids
SELECT number, id FROM unnest(:contact::bigint[]) AS asked (contact), LATERAL (
  SELECT number, id FROM contact
  WHERE organization = :organization AND contact.number = asked.contact OFFSET 0
) AS found
WHERE id IS NOT NULL

-- name: profile
SELECT body FROM profile WHERE organization = :organization AND contact = :contact

-- name: forget_profiles
DELETE FROM profile WHERE organization = :organization AND contact = :contact

-- name: add_profile
INSERT INTO profile (organization, contact, body)
VALUES (:organization, :contact, :body)

-- name: identity
SELECT contact FROM identity WHERE organization = :organization AND key = :key

-- name: delete_identities
DELETE FROM identity WHERE organization = :organization AND contact = :contact

-- name: put_identity
INSERT INTO identity (organization, key, contact)
VALUES (:organization, :key, :contact)
ON CONFLICT (organization, key) DO UPDATE SET contact = excluded.contact

-- name: owners_at
-- Of each that had an owner then: which of the asked it is, whose, since when, and since
-- when its newest owner has it.
SELECT asked.asked, owned.contact, owned.since_at, (
  SELECT max(since_at) FROM owner
  WHERE organization = :organization AND device = asked.device
)
FROM unnest(:asked::bigint[], :device::bytea[], :at::bigint[])
  AS asked (asked, device, at),
LATERAL (
  SELECT contact, since_at FROM owner
  WHERE organization = :organization AND device = asked.device AND since_at <= asked.at
  ORDER BY since_at DESC LIMIT 1
) AS owned

-- name: ownerships
SELECT device, since_at, contact, randomised, pseudonym FROM owner
WHERE organization = :organization AND device = :device ORDER BY since_at

-- name: devices
SELECT device, since_at, contact, randomised, pseudonym FROM owner
WHERE organization = :organization AND contact = :contact ORDER BY device, since_at

-- name: put_ownership
INSERT INTO owner (organization, device, since_at, contact, randomised, pseudonym)
VALUES (:organization, :device, :since_at, :contact, :randomised, :pseudonym)
ON CONFLICT (organization, device, since_at)
DO UPDATE SET contact = excluded.contact, pseudonym = excluded.pseudonym

-- name: add_ownerships
-- Of devices without an owner.
INSERT INTO owner (organization, device, since_at, contact, randomised, pseudonym)
SELECT :organization, sent.* FROM unnest(
  :device::bytea[], :since_at::bigint[], :contact::bigint[], :randomised::boolean[],
  :pseudonym::boolean[]
) AS sent

-- name: delete_ownerships
DELETE FROM owner WHERE organization = :organization AND contact = :contact

-- name: put_reattribution
INSERT INTO reattribution (organization, device, since_at, until_at, former, heir)
VALUES (:organization, :device, :since_at, :until_at, :former, :heir)

-- name: reattributions
SELECT device, since_at, until_at, former, heir, number FROM reattribution
WHERE organization = :organization ORDER BY number LIMIT :limit

-- name: delete_reattribution
DELETE FROM reattribution WHERE organization = :organization AND number = :number

-- name: delete_own_reattributions
-- Of the devices that are or were a contact's.
DELETE FROM reattribution WHERE organization = :organization AND device IN (
  SELECT device FROM owner WHERE organization = :organization AND contact = :contact
)

-- name: session
SELECT at, ended_at FROM session WHERE organization = :organization AND key = :key

-- name: put_session
INSERT INTO session (organization, key, nas, at) VALUES (:organization, :key, :nas, :at)
ON CONFLICT (organization, key) DO UPDATE SET at = excluded.at, ended_at = NULL

-- name: end_sessions
UPDATE session SET ended_at = :at
WHERE organization = :organization AND nas = :nas AND at <= :at AND ended_at IS NULL
RETURNING key

-- name: newest_stays
SELECT stay.number, stay.contact, stay.place_kind, stay.place, first_at, last_at, start_at,
  hotspot, visit_at, minimum_dwell, session_timeout, maximum_visit, check_at IS NOT NULL
FROM unnest(:contact::bigint[], :place_kind::bigint[], :place::bigint[])
  AS asked (contact, place_kind, place),
LATERAL (
  SELECT * FROM stay AS known
  WHERE known.organization = :organization AND known.contact = asked.contact
    AND known.place_kind = asked.place_kind AND known.place = asked.place
  ORDER BY known.first_at DESC LIMIT 1
) AS stay JOIN stay_end
  ON stay_end.organization = :organization AND stay_end.stay = stay.number

-- name: stays
-- Stays of one place never overlap, so those that reach into a span are its latest.
SELECT number, contact, place_kind, place, first_at, last_at, start_at, hotspot,
  visit_at, minimum_dwell, session_timeout, maximum_visit, check_at IS NOT NULL
FROM (
  SELECT * FROM stay
  WHERE organization = :organization AND contact = :contact
    AND place_kind = :place_kind AND place = :place AND first_at <= :high
  ORDER BY first_at DESC LIMIT :limit
) AS latest JOIN stay_end
  ON stay_end.organization = :organization AND stay_end.stay = latest.number
WHERE last_at >= :low

-- name: stays_of
SELECT number, contact, place_kind, place, first_at, last_at, start_at, hotspot,
  visit_at, minimum_dwell, session_timeout, maximum_visit, check_at IS NOT NULL
FROM stay JOIN stay_end
  ON stay_end.organization = stay.organization AND stay_end.stay = stay.number
WHERE stay.organization = :organization AND contact = :contact
ORDER BY number LIMIT :limit

-- name: open_stays
SELECT number, contact, place_kind, place, first_at, last_at, start_at, hotspot,
  visit_at, minimum_dwell, session_timeout, maximum_visit, true
FROM stay JOIN stay_end
  ON stay_end.organization = stay.organization AND stay_end.stay = stay.number
WHERE stay.organization = :organization AND contact = :contact
  AND check_at IS NOT NULL
ORDER BY number LIMIT :limit

-- name: stays_due
SELECT number, contact, place_kind, place, first_at, last_at, start_at, hotspot,
  visit_at, minimum_dwell, session_timeout, maximum_visit, true
FROM stay JOIN stay_end
  ON stay_end.organization = stay.organization AND stay_end.stay = stay.number
WHERE stay.organization = :organization AND check_at <= :now
ORDER BY check_at LIMIT :limit

-- name: postpone_stay
UPDATE stay SET check_at = :check_at
WHERE organization = :organization AND number = :stay

-- name: add_ends
INSERT INTO stay_end (organization, stay, last_at)
SELECT :organization, sent.* FROM unnest(:stay::bigint[], :last_at::bigint[]) AS sent

-- name: put_ends
-- What most observations do; all else is left alone.
INSERT INTO stay_end (organization, stay, last_at)
SELECT :organization, sent.* FROM unnest(:stay::bigint[], :last_at::bigint[]) AS sent
ON CONFLICT (organization, stay) DO UPDATE SET last_at = excluded.last_at

-- name: delete_end
DELETE FROM stay_end WHERE organization = :organization AND stay = :stay

-- name: change_stay
UPDATE stay SET
  first_at = :first_at, start_at = :start_at, hotspot = :hotspot, visit_at = :visit_at,
  minimum_dwell = :minimum_dwell, session_timeout = :session_timeout,
  maximum_visit = :maximum_visit, check_at = :check_at
WHERE organization = :organization AND number = :stay

-- name: add_stays
INSERT INTO stay (
  organization, contact, place_kind, place, first_at, start_at, hotspot, visit_at,
  minimum_dwell, session_timeout, maximum_visit, check_at
)
SELECT :organization, sent.* FROM unnest(
  :contact::bigint[], :place_kind::bigint[], :place::bigint[], :first_at::bigint[],
  :start_at::bigint[], :hotspot::bigint[], :visit_at::bigint[],
  :minimum_dwell::bigint[], :session_timeout::bigint[], :maximum_visit::bigint[],
  :check_at::bigint[]
) AS sent
RETURNING contact, place_kind, place, first_at, number

-- name: delete_stay
DELETE FROM stay WHERE organization = :organization AND number = :stay

-- name: stored
-- The bodies of events by their keys, to tell duplicates from conflicts.
-- Looked up one by one (OFFSET 0 holds the planner to it): as a join or with ANY, all
-- that the organization has may be read, where the table is not counted yet.
SELECT sent.key, body FROM unnest(:key::bytea[]) AS sent (key), LATERAL (
  SELECT body FROM event
  WHERE organization = :organization AND event.key = sent.key OFFSET 0
) AS found

-- name: add_events
INSERT INTO event
  (organization, arrival, contact, type, created_at, local_at, key, body)
SELECT :organization, sent.* FROM unnest(
  :arrivals::bigint[], :contacts::bigint[], :types::bigint[], :created_at::bigint[],
  :local_at::bigint[], :keys::bytea[], :bodies::bytea[]
) AS sent

-- name: add_offsets
-- Written only where it changes something, which is seldom.
INSERT INTO day_offset AS known (organization, day, quarter, low, high)
SELECT :organization, day, quarter, low, high
FROM unnest(:day::bigint[], :quarter::bigint[], :low::bigint[], :high::bigint[])
  AS sent (day, quarter, low, high)
ON CONFLICT (organization, day, quarter) DO UPDATE SET
  low = least(known.low, excluded.low), high = greatest(known.high, excluded.high)
WHERE excluded.low < known.low OR excluded.high > known.high

-- name: withdraw_event
DELETE FROM event WHERE organization = :organization AND key = :key
RETURNING contact, type, created_at, body

-- name: add_withdrawal
INSERT INTO withdrawal (organization, arrival, contact, type, created_at, body)
VALUES (:organization, :arrival, :contact, :type, :created_at, :body)

-- name: add_batch
-- Not twice: what is sent again is the same batch.
INSERT INTO observation_batch
  (organization, received_at, first_at, last_at, format, subjects, records)
SELECT :organization, :received_at, :first_at, :last_at, :format, :subjects::bigint[],
  :records::bytea
WHERE NOT EXISTS (
  SELECT 1 FROM observation_batch WHERE organization = :organization
    AND last_at = :last_at AND first_at = :first_at AND records = :records::bytea
)

-- name: batches
SELECT format, records FROM observation_batch
WHERE organization = :organization AND last_at >= :since AND first_at <= :until
ORDER BY number

-- name: batches_of
SELECT format, records FROM observation_batch
WHERE organization = :organization AND subjects && :subjects::bigint[]
  AND last_at >= :since AND first_at <= :until
ORDER BY number

-- name: is_heard_since
SELECT EXISTS (
  SELECT 1 FROM observation_batch
  WHERE organization = :organization AND last_at >= :since
)

-- name: forgotten_until
-- What was heard up to here may have been forgotten.
SELECT forgotten_until FROM organization WHERE number = :organization

-- name: forget_batches
WITH old AS (
  DELETE FROM observation_batch WHERE organization = :organization AND number IN (
    SELECT number FROM observation_batch
    WHERE organization = :organization AND received_at < :before LIMIT 500
  )
  RETURNING last_at
)
UPDATE organization SET
  forgotten_until = greatest(forgotten_until, (SELECT max(last_at) FROM old))
WHERE number = :organization AND EXISTS (SELECT 1 FROM old)
RETURNING number

-- name: forget_rejections
DELETE FROM rejection WHERE organization = :organization AND number IN (
  SELECT number FROM rejection
  WHERE organization = :organization AND at < :before LIMIT 500
)
RETURNING number

-- name: put_source
INSERT INTO source (id, organization, kind, body)
VALUES (:id, :organization, :kind, :body)

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
SELECT body FROM source WHERE organization = :organization ORDER BY number

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
ORDER BY number DESC OFFSET :most

-- name: delete_rejection
DELETE FROM rejection WHERE organization = :organization AND number = :number

-- name: contact_row
SELECT key, id FROM contact WHERE organization = :organization AND number = :contact

-- name: erased_devices
-- With when the next owner had each, and whether nobody had it before.
SELECT device, since_at, (
  SELECT min(since_at) FROM owner AS later WHERE later.organization = :organization
    AND later.device = owner.device AND later.since_at > owner.since_at
), NOT EXISTS (
  SELECT 1 FROM owner AS former WHERE former.organization = :organization
    AND former.device = owner.device AND former.since_at < owner.since_at
)
FROM owner WHERE organization = :organization AND contact = :contact

-- name: retire_contact
UPDATE contact SET id = NULL, key = :key
WHERE organization = :organization AND number = :contact

-- name: count_types
SELECT type::int, count(*) FROM event
WHERE organization = :organization AND contact = :contact GROUP BY type

-- name: erase_events
DELETE FROM event WHERE organization = :organization AND arrival IN (
  SELECT arrival FROM event
  WHERE organization = :organization AND contact = :contact LIMIT :limit
)
RETURNING type::int, created_at

-- name: erase_withdrawals
WITH erased AS (
  DELETE FROM withdrawal WHERE organization = :organization AND arrival IN (
    SELECT arrival FROM withdrawal
    WHERE organization = :organization AND contact = :contact LIMIT :limit
  )
  RETURNING arrival
)
SELECT count(*) FROM erased

-- name: erase_stays
WITH erased AS (
  DELETE FROM stay WHERE organization = :organization AND number IN (
    SELECT number FROM stay
    WHERE organization = :organization AND contact = :contact LIMIT :limit
  )
  RETURNING number
), ended AS (
  DELETE FROM stay_end WHERE organization = :organization
    AND stay IN (SELECT number FROM erased)
)
SELECT count(*) FROM erased

-- name: newest_batch
SELECT coalesce(max(number), 0) FROM observation_batch
WHERE organization = :organization

-- name: batches_with
SELECT number FROM observation_batch
WHERE organization = :organization AND number <= :until
  AND subjects && :subjects::bigint[]

-- name: batch_records
SELECT number, records FROM observation_batch
WHERE organization = :organization AND number = ANY(:numbers::bigint[])

-- name: put_records
UPDATE observation_batch SET records = :records, subjects = :subjects
WHERE organization = :organization AND number = :number

-- name: rejections_after
SELECT number, reason, body FROM rejection
WHERE organization = :organization AND number > :after ORDER BY number LIMIT :limit

-- name: add_erasure
INSERT INTO erasure (organization, contact, search)
VALUES (:organization, :contact, :search)
RETURNING number

-- name: erasure_search
SELECT search FROM erasure WHERE organization = :organization AND number = :number

-- name: end_erasure
UPDATE erasure SET search = NULL, erased_at = now()
WHERE organization = :organization AND number = :number
