-- People who sign in to the console.
CREATE TABLE console_user (
  id text PRIMARY KEY,
  organization text NOT NULL, -- its id
  email text NOT NULL,        -- in lower case
  name text NOT NULL,
  role text NOT NULL,
  scopes text NOT NULL,
  locations text NOT NULL,
  password_hash text,         -- Argon2; null until a password is chosen
  created_at bigint NOT NULL,
  revoked_at bigint,
  UNIQUE (organization, email)
);
CREATE INDEX console_user_by_email ON console_user (email);

-- Where they are signed in, by the digest of the cookie.
CREATE TABLE console_session (
  key text PRIMARY KEY, -- what its API tokens name
  user_id text NOT NULL,
  digest bytea NOT NULL UNIQUE,
  created_at bigint NOT NULL,
  expires_at bigint NOT NULL
);
CREATE INDEX console_session_by_user ON console_session (user_id);
CREATE INDEX console_session_by_end ON console_session (expires_at);

-- Links that sign a user in once.
CREATE TABLE sign_in_link (
  digest bytea PRIMARY KEY,
  user_id text NOT NULL,
  expires_at bigint NOT NULL
);
CREATE INDEX sign_in_link_by_user ON sign_in_link (user_id);
CREATE INDEX sign_in_link_by_end ON sign_in_link (expires_at);
