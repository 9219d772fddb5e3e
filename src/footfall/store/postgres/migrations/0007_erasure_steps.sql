-- An erasure is done in steps. `search` is what is still to be looked for, as nothing
-- leads to it once the contact is retired; NULL when all steps are done.
ALTER TABLE erasure ADD COLUMN contact bigint;
ALTER TABLE erasure ADD COLUMN search bytea;
