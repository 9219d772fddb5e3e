-- What differs between the engines; the rest is in store/relational/users.sql.

-- name: organization_exists
SELECT 1 FROM organization_number WHERE id = :organization
