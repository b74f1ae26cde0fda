CREATE TABLE pull (
  pull_key text PRIMARY KEY,
  host text NOT NULL,
  repository_id bigint NOT NULL,
  number integer NOT NULL,
  repository_name text NOT NULL,
  installation_id bigint NOT NULL,
  base_ref text NOT NULL,
  state text NOT NULL,
  read_at timestamptz NOT NULL
)
