-- What differs between the engines; the rest is in store/relational/users.sql.

-- name: organization_exists
SELECT 1 FROM organization WHERE id = :organization

-- name: drop_password
-- Of a user as it was before its password was changed.
UPDATE console_user SET password_hash = NULL WHERE id = :user AND created_at <= :now

-- name: forget_sign_ins
DELETE FROM console_session

-- name: forget_all_links
DELETE FROM sign_in_link
