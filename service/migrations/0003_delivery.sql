CREATE TABLE delivery (
  guid text NOT NULL,
  app_id bigint NOT NULL,
  pull_key text NOT NULL,
  event text NOT NULL,
  action text NOT NULL,
  installation_id bigint NOT NULL,
  repository_id bigint NOT NULL,
  repository_name text NOT NULL,
  number integer NOT NULL,
  comment_id bigint,
  sender text NOT NULL,
  received_at timestamptz NOT NULL,
  handled_at timestamptz,
  outcome text,
  PRIMARY KEY (guid, app_id)
)
