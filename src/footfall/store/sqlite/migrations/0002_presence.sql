-- What an organization registers, and what becomes of presence.
--
-- No table here whose rows move holds what a person must be able to have erased:
-- devices, identities and sessions are digests, `stay` is numbers, and a contact's
-- `profile` is, like `body`, a heap that is overwritten in place.

ALTER TABLE organization ADD COLUMN registry INTEGER NOT NULL DEFAULT 0; -- of its last change
ALTER TABLE organization ADD COLUMN settings TEXT NOT NULL DEFAULT '{}';
-- Of what was heard up to here, observations may have been forgotten.
ALTER TABLE organization ADD COLUMN forgotten_until INTEGER NOT NULL
  DEFAULT -4611686018427387904;
ALTER TABLE service ADD COLUMN locations TEXT NOT NULL DEFAULT '';

-- Of each purpose the last one holds; a deleted one is zeros.
CREATE TABLE organization_key (
  number INTEGER PRIMARY KEY,
  organization INTEGER NOT NULL,
  purpose TEXT NOT NULL,
  key BLOB NOT NULL
) STRICT;
CREATE INDEX organization_key_by_purpose ON organization_key (organization, purpose);

CREATE TABLE location (
  number INTEGER PRIMARY KEY,
  organization INTEGER NOT NULL,
  id TEXT NOT NULL,
  body BLOB NOT NULL,
  settings BLOB NOT NULL,
  deleted INTEGER NOT NULL, -- its stays must still be closed
  UNIQUE (organization, id)
) STRICT;

CREATE TABLE hotspot (
  number INTEGER PRIMARY KEY AUTOINCREMENT, -- stays remember it
  organization INTEGER NOT NULL,
  id TEXT NOT NULL,
  location INTEGER NOT NULL REFERENCES location (number),
  body BLOB NOT NULL,
  UNIQUE (organization, id)
) STRICT;

CREATE TABLE source (
  id TEXT PRIMARY KEY,
  organization INTEGER NOT NULL,
  kind TEXT NOT NULL,
  body BLOB NOT NULL -- with its secret, sealed
) STRICT;

-- What a source sent and nobody understood.
CREATE TABLE problem (
  number INTEGER PRIMARY KEY,
  organization INTEGER NOT NULL,
  source TEXT NOT NULL,
  at INTEGER NOT NULL,
  reason TEXT NOT NULL,
  body BLOB NOT NULL
) STRICT;
CREATE INDEX problem_by_organization ON problem (organization, number);

-- A contact's latest is the last of its rows; the earlier ones are zeros.
CREATE TABLE profile (
  number INTEGER PRIMARY KEY,
  contact INTEGER NOT NULL,
  body BLOB NOT NULL
) STRICT;
CREATE INDEX profile_by_contact ON profile (contact, number);

CREATE TABLE identity (
  organization INTEGER NOT NULL,
  key BLOB NOT NULL,
  contact INTEGER NOT NULL,
  PRIMARY KEY (organization, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX identity_by_contact ON identity (contact);

-- Whose a device was from when on; a pseudonym has it from the beginning of time.
CREATE TABLE owner (
  organization INTEGER NOT NULL,
  device BLOB NOT NULL,
  since_at INTEGER NOT NULL,
  contact INTEGER NOT NULL,
  randomised INTEGER NOT NULL,
  pseudonym INTEGER NOT NULL,
  PRIMARY KEY (organization, device, since_at)
) STRICT, WITHOUT ROWID;
CREATE INDEX owner_by_contact ON owner (contact);

-- With the rules that it was last changed under, so that it closes by them.
CREATE TABLE stay (
  number INTEGER PRIMARY KEY,
  organization INTEGER NOT NULL,
  contact INTEGER NOT NULL,
  location INTEGER NOT NULL,
  first_at INTEGER NOT NULL,
  start_at INTEGER,
  hotspot INTEGER NOT NULL,
  visit_at INTEGER,
  minimum_dwell INTEGER NOT NULL,
  session_timeout INTEGER NOT NULL,
  maximum_visit INTEGER,
  check_at INTEGER -- when to look whether it is over; null once it is
) STRICT;
-- The one part of a stay that each observation changes: 300 of these lie in a page, so
-- few pages are written for many observations.
CREATE TABLE stay_end (
  stay INTEGER PRIMARY KEY,
  last_at INTEGER NOT NULL
) STRICT;
CREATE INDEX stay_by_contact ON stay (contact, location, first_at);
CREATE INDEX stay_by_check ON stay (check_at) WHERE check_at IS NOT NULL;

-- Observations as they came, many in a row, all of one length.
CREATE TABLE block (
  number INTEGER PRIMARY KEY,
  organization INTEGER NOT NULL,
  received_at INTEGER NOT NULL,
  first_at INTEGER NOT NULL,
  last_at INTEGER NOT NULL,
  records BLOB NOT NULL
) STRICT;
CREATE INDEX block_by_time ON block (organization, last_at, first_at);

CREATE TABLE session (
  organization INTEGER NOT NULL,
  key BLOB NOT NULL,
  nas BLOB NOT NULL,
  at INTEGER NOT NULL,
  ended_at INTEGER,
  PRIMARY KEY (organization, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX session_by_nas ON session (organization, nas);
CREATE INDEX session_by_time ON session (at);

-- Made events that no longer hold. Their announcements are read by arrival only.
CREATE TABLE withdrawal (
  arrival INTEGER PRIMARY KEY,
  organization INTEGER NOT NULL,
  contact INTEGER NOT NULL,
  type INTEGER NOT NULL,
  created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX withdrawal_by_arrival
  ON withdrawal (organization, arrival, created_at, type);
CREATE INDEX withdrawal_by_contact ON withdrawal (contact, arrival, created_at, type);
