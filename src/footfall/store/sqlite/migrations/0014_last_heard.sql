-- When equipment was last heard: locations, hotspots and sources, to the minute.
CREATE TABLE last_heard (
  organization INTEGER NOT NULL,
  kind INTEGER NOT NULL, -- see HeardKind
  id TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (organization, kind, id)
) STRICT, WITHOUT ROWID;

-- What one source sent that was not understood is shown, and counted.
CREATE INDEX rejection_by_source ON rejection (organization, source, number);

-- An organization's own are listed by whoever manages it, however many others there are.
CREATE INDEX source_by_organization ON source (organization);
CREATE INDEX service_by_organization ON service (organization);
