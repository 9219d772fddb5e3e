-- What presence does in bounded steps: the stays of each organization by when to look
-- at them, what is still to be attributed anew, and which blocks hold a device.

DROP INDEX stay_by_check;
CREATE INDEX stay_by_check ON stay (organization, check_at) WHERE check_at IS NOT NULL;

-- Devices that changed hands: what they were heard of is still to be given to whom it
-- is now. Worked off in order, a row is deleted once all of it is done.
CREATE TABLE reattribution (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  organization INTEGER NOT NULL,
  device BLOB NOT NULL,
  since_at INTEGER NOT NULL,
  until_at INTEGER NOT NULL,
  former INTEGER, -- the contact that had it
  heir INTEGER    -- the contact that gets all that `former`, a pseudonym, had
) STRICT;
CREATE INDEX reattribution_by_organization ON reattribution (organization, number);

-- Which of many blocks in a row hold a device. Made beside the writer, so that taking
-- in observations costs no more for it; the newest blocks have no segment yet.
CREATE TABLE segment (
  number INTEGER PRIMARY KEY, -- its last block's
  first_block INTEGER NOT NULL,
  last_at INTEGER NOT NULL    -- the latest observation in it
) STRICT;
-- Its entries in order, 12 bytes each: of a device's digest the first 8, and how many
-- blocks after the first one it was heard. All entries of a device lie in one page.
CREATE TABLE segment_page (
  number INTEGER PRIMARY KEY,
  segment INTEGER NOT NULL,
  first_device BLOB NOT NULL,
  entries BLOB NOT NULL
) STRICT;
CREATE INDEX segment_page_by_device ON segment_page (segment, first_device);
