-- Where events are sent to. Numbers are given once, because the log outlives them.
CREATE TABLE webhook (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  organization INTEGER NOT NULL,
  id TEXT NOT NULL UNIQUE,
  version INTEGER NOT NULL, -- which changes of it servers have seen
  body BLOB NOT NULL,       -- with its secrets, sealed
  state BLOB NOT NULL       -- how far it is, and how it stands
) STRICT;
CREATE INDEX webhook_by_organization ON webhook (organization, number);

-- What is to be tried again: arrival numbers. The events are read in the log again.
CREATE TABLE pending_delivery (
  webhook INTEGER NOT NULL,
  arrivals BLOB NOT NULL,
  organization INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  retry_at INTEGER NOT NULL, -- by the schedule
  due_at INTEGER NOT NULL,   -- sooner, where the endpoint has recovered
  early INTEGER NOT NULL,    -- how many times it was tried so
  PRIMARY KEY (webhook, arrivals)
) STRICT, WITHOUT ROWID;
CREATE INDEX pending_delivery_by_time ON pending_delivery (webhook, due_at);

-- The log of attempts: a row for each event of a request.
CREATE TABLE delivery (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  organization INTEGER NOT NULL,
  webhook INTEGER NOT NULL,
  request INTEGER, -- of the first of its request, which has the answer; null if it is that
  at INTEGER NOT NULL,
  outcome INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  arrival INTEGER,
  contact INTEGER,
  duration INTEGER NOT NULL, -- milliseconds
  status INTEGER,
  reason TEXT,
  event BLOB NOT NULL, -- its key
  answer BLOB NOT NULL -- the first bytes of it
) STRICT;
CREATE INDEX delivery_by_webhook ON delivery (webhook, number);
CREATE INDEX delivery_by_outcome ON delivery (webhook, outcome, number);
CREATE INDEX delivery_by_event ON delivery (webhook, event, number);
CREATE INDEX delivery_by_contact ON delivery (contact) WHERE contact IS NOT NULL;
