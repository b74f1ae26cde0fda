CREATE TABLE migration_set (
  digest text PRIMARY KEY,
  files text NOT NULL,
  created_at timestamptz NOT NULL
)
