CREATE TABLE check_run (
  pull_key text NOT NULL,
  sha text NOT NULL,
  check_id bigint,
  status text,
  digest text,
  annotated boolean NOT NULL,
  attempted_at timestamptz,
  audit_at timestamptz,
  edited_at timestamptz,
  PRIMARY KEY (pull_key, sha)
)
