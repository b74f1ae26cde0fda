CREATE TABLE api_key (
  id text PRIMARY KEY,
  digest text NOT NULL,
  name text NOT NULL,
  scopes text NOT NULL,
  selector text,
  created_at timestamptz NOT NULL,
  expires_at timestamptz,
  revoked_at timestamptz,
  used_at timestamptz
)
