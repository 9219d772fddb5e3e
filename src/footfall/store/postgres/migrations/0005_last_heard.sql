-- When equipment was last heard: locations, hotspots and sources, to the minute.
-- Updated in place, so with room for it. Ordered as in SQLite, byte by byte.
CREATE TABLE last_heard (
  organization bigint NOT NULL,
  kind smallint NOT NULL, -- see HeardKind
  id text COLLATE "C" NOT NULL,
  at bigint NOT NULL,
  PRIMARY KEY (organization, kind, id)
) WITH (fillfactor = 70);

-- What one source sent that was not understood is shown, and counted.
CREATE INDEX rejection_by_source ON rejection (organization, source, number);

-- An organization's own are listed by whoever manages it, however many others there are.
CREATE INDEX source_by_organization ON source (organization);
CREATE INDEX service_by_organization ON service (organization);
