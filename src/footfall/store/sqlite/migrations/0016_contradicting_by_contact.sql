-- A contact's events whose local time contradicts their instant: those that are not
-- found by the local times in which other events of an instant lie.
CREATE INDEX event_contradicting_by_contact
  ON event (contact, created_at, number, local_at, type)
  WHERE local_at - created_at NOT BETWEEN -43200000000 AND 50400000000;
