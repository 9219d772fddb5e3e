-- Erasures: each is done in steps, and a crash between two of them is made good.
--
-- A heap like `body`: rows are never deleted, and what names the person is overwritten
-- in place by the last step. `entry` is the erasure's id in the journal beside the
-- database, so that a restored backup tells which erasures it already has.

CREATE TABLE erasure (
  number INTEGER PRIMARY KEY,
  organization INTEGER NOT NULL,
  contact INTEGER NOT NULL,
  entry BLOB NOT NULL,
  state INTEGER NOT NULL, -- 0: steps are to be done; 1: bytes may be in the WAL; 2: done
  body BLOB NOT NULL      -- what to look for, as JSON; zeros once the steps are done
) STRICT;
CREATE INDEX erasure_unfinished ON erasure (state) WHERE state < 2;
