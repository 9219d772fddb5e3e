-- Users of the console, their sessions and sign-in links, on both engines; see users.py.

-- name: add_user
INSERT INTO console_user
  (id, organization, email, name, role, scopes, locations, created_at)
VALUES
  (:id, :organization, :email, :name, :role, :scopes, :locations, :created_at)
-- Who was revoked may come back.
ON CONFLICT (organization, email) DO UPDATE SET
  name = excluded.name, role = excluded.role, scopes = excluded.scopes,
  locations = excluded.locations, created_at = excluded.created_at, revoked_at = NULL
WHERE console_user.revoked_at IS NOT NULL
RETURNING id

-- name: users
SELECT id, organization, email, name, role, scopes, locations, created_at, revoked_at
FROM console_user ORDER BY created_at, id

-- name: users_of_organization
SELECT id, organization, email, name, role, scopes, locations, created_at, revoked_at
FROM console_user WHERE organization = :organization ORDER BY created_at, id

-- name: user
SELECT id, organization, email, name, role, scopes, locations, created_at, revoked_at
FROM console_user WHERE id = :user AND revoked_at IS NULL

-- name: users_of_email
SELECT id, organization, email, name, role, scopes, locations, created_at, revoked_at, password_hash
FROM console_user WHERE email = :email AND revoked_at IS NULL
ORDER BY created_at, id

-- name: change_password
UPDATE console_user SET password_hash = :password_hash
WHERE id = :user AND revoked_at IS NULL RETURNING id

-- name: revoke_user
UPDATE console_user SET revoked_at = coalesce(revoked_at, :now), password_hash = NULL
WHERE id = :user RETURNING id

-- name: add_link
INSERT INTO sign_in_link (digest, user_id, expires_at)
VALUES (:digest, :user, :expires_at)

-- name: take_link
DELETE FROM sign_in_link WHERE digest = :digest RETURNING user_id

-- name: forget_links
DELETE FROM sign_in_link WHERE expires_at <= :now

-- name: forget_links_of_user
DELETE FROM sign_in_link WHERE user_id = :user

-- name: add_console_session
-- With the hash that a password was compared with: it may have been changed meanwhile.
INSERT INTO console_session (key, user_id, digest, created_at, expires_at)
SELECT :key, id, :digest, :created_at, :expires_at FROM console_user
WHERE id = :user AND revoked_at IS NULL
  AND (CAST(:password_hash AS text) IS NULL
    OR password_hash = :password_hash)
RETURNING key

-- name: console_session
SELECT console_user.id, console_user.organization, console_user.email, console_user.name, console_user.role, console_user.scopes, console_user.locations,
  console_user.created_at, console_user.revoked_at,
  console_session.key, console_session.expires_at
FROM console_session JOIN console_user ON console_user.id = user_id
WHERE digest = :digest AND expires_at > :now AND revoked_at IS NULL

-- name: end_console_session
DELETE FROM console_session WHERE key = :key

-- name: end_sessions_of_user
DELETE FROM console_session WHERE user_id = :user

-- name: forget_console_sessions
DELETE FROM console_session WHERE expires_at <= :now
