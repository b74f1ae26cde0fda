CREATE TABLE label (
  name text NOT NULL,
  value text NOT NULL,
  environment_id text NOT NULL,
  PRIMARY KEY (name, value, environment_id)
)
