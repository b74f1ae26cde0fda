CREATE TABLE session (
  id text PRIMARY KEY,
  digest text NOT NULL,
  subject text NOT NULL,
  created_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL
)
