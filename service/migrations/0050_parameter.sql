CREATE TABLE parameter (
  environment_id text PRIMARY KEY,
  name text NOT NULL,
  digest text,
  attempted_at timestamptz NOT NULL,
  foreign_at timestamptz
)
