-- The version of an organization's registry counts its changes, and each row says at
-- which of them it last changed: who knows an older version reads only what is newer.
-- So that a deleted hotspot is among it, its row stays, marked.
UPDATE organization SET registry = 1;
ALTER TABLE location ADD COLUMN changed INTEGER NOT NULL DEFAULT 1;
ALTER TABLE hotspot ADD COLUMN changed INTEGER NOT NULL DEFAULT 1;
ALTER TABLE hotspot ADD COLUMN deleted INTEGER NOT NULL DEFAULT 0;
CREATE INDEX location_by_change ON location (organization, changed);
CREATE INDEX hotspot_by_change ON hotspot (organization, changed);
