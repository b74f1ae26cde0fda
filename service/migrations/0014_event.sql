CREATE TABLE event (
  environment_id text NOT NULL,
  id text NOT NULL,
  at timestamptz NOT NULL,
  kind text NOT NULL,
  actor text,
  detail text,
  PRIMARY KEY (environment_id, id)
)
