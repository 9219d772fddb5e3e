-- Two tables make an event. `event` is what is searched: small rows of numbers with
-- all the indexes. `body` is what is served: a heap in the order of arrival, from
-- which nothing is ever deleted. SQLite copies cells when it rebalances a tree, and
-- secure_delete does not wipe the places they leave; a heap that only grows at its end
-- is never rebalanced, so an erased body, overwritten in place, is gone from the file.
-- For the same reason `contact` keeps its rows and its index holds a digest.

CREATE TABLE organization (
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE service (
  client_key TEXT PRIMARY KEY,
  organization TEXT NOT NULL REFERENCES organization (id),
  role TEXT NOT NULL,
  scopes TEXT NOT NULL,
  secret_hash BLOB NOT NULL,
  created_at INTEGER NOT NULL,
  revoked_at INTEGER
) STRICT;

CREATE TABLE revoked_token (
  token_id TEXT PRIMARY KEY,
  expires_at INTEGER NOT NULL
) STRICT;

CREATE TABLE contact (
  number INTEGER PRIMARY KEY,
  organization INTEGER NOT NULL,
  key BLOB NOT NULL, -- a digest of the id; random once the contact is erased
  id ANY NOT NULL    -- the id; zeros once the contact is erased
) STRICT;
CREATE UNIQUE INDEX contact_by_key ON contact (organization, key);

CREATE TABLE body (
  arrival INTEGER PRIMARY KEY,
  body BLOB NOT NULL -- zeros once the event is erased
) STRICT;

-- WITHOUT ROWID, for only then can an index seek to (key, arrival) in one step.
CREATE TABLE event (
  arrival INTEGER PRIMARY KEY,
  organization INTEGER NOT NULL,
  contact INTEGER NOT NULL,
  type INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  local_at INTEGER NOT NULL,
  key BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX event_by_key ON event (organization, key);
CREATE INDEX event_by_arrival
  ON event (organization, arrival, created_at, type);
CREATE INDEX event_by_local
  ON event (organization, local_at, arrival, created_at);
CREATE INDEX event_by_utc
  ON event (organization, created_at, arrival);
CREATE INDEX event_by_type_local
  ON event (organization, type, local_at, arrival, created_at);
CREATE INDEX event_by_type_utc
  ON event (organization, type, created_at, arrival);
-- The one index that every append touches all over: a contact's rarer orders are
-- sorted when asked for, which costs what that contact has, not what is stored.
CREATE INDEX event_by_contact
  ON event (contact, local_at, arrival, created_at, type);
-- The events whose local time contradicts their instant by more than any zone does.
-- All others of a span of instants lie in a span of local times.
CREATE INDEX event_contradicting
  ON event (organization, local_at, arrival, created_at, type)
  WHERE local_at - created_at NOT BETWEEN -43200000000 AND 50400000000;
