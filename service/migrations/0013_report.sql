CREATE TABLE report (
  pull_key text PRIMARY KEY,
  comment_id bigint,
  digest text,
  attempted_at timestamptz,
  audit_at timestamptz,
  edited_at timestamptz,
  version bigint NOT NULL
)
