CREATE TABLE operation (
  id text PRIMARY KEY,
  environment_id text NOT NULL,
  kind text NOT NULL,
  generation bigint NOT NULL,
  actor text NOT NULL,
  created_at timestamptz NOT NULL
)
