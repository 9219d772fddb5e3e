-- Leases of periodic jobs, on both engines; see runtime/jobs.py.

-- name: take_lease
-- Its holder may renew it; another may take it once it is over.
INSERT INTO lease AS held (job, holder, until_at) VALUES (:job, :holder, :until_at)
ON CONFLICT (job) DO UPDATE SET holder = excluded.holder, until_at = excluded.until_at
WHERE held.holder = excluded.holder OR held.until_at < :now
RETURNING holder

-- name: give_up_leases
DELETE FROM lease WHERE holder = :holder

-- name: servers
-- Each holds a lease of its own name while it is there.
SELECT holder FROM lease WHERE job = holder AND until_at >= :now
