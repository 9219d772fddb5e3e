-- People who sign in to the console.
CREATE TABLE console_user (
  id TEXT PRIMARY KEY,
  organization TEXT NOT NULL, -- its id
  email TEXT NOT NULL,        -- in lower case
  name TEXT NOT NULL,
  role TEXT NOT NULL,
  scopes TEXT NOT NULL,
  locations TEXT NOT NULL,
  password_hash TEXT,         -- Argon2; null until a password is chosen
  created_at INTEGER NOT NULL,
  revoked_at INTEGER,
  UNIQUE (organization, email)
) STRICT;
CREATE INDEX console_user_by_email ON console_user (email);

-- Where they are signed in, by the digest of the cookie.
CREATE TABLE console_session (
  key TEXT PRIMARY KEY, -- what its API tokens name
  user_id TEXT NOT NULL,
  digest BLOB NOT NULL UNIQUE,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX console_session_by_user ON console_session (user_id);
CREATE INDEX console_session_by_end ON console_session (expires_at);

-- Links that sign a user in once.
CREATE TABLE sign_in_link (
  digest BLOB PRIMARY KEY,
  user_id TEXT NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX sign_in_link_by_user ON sign_in_link (user_id);
CREATE INDEX sign_in_link_by_end ON sign_in_link (expires_at);
