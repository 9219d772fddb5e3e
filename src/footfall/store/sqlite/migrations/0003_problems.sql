-- Problems held what was sent, with people's names and addresses in it. Those of now
-- hold none of it; those of before are overwritten in their place, then deleted.
UPDATE problem SET
  body = zeroblob(length(body)),
  reason = printf('%.*c', length(CAST(reason AS BLOB)), '*');
DELETE FROM problem;
