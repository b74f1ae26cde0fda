CREATE TABLE repository (
  host text NOT NULL,
  id bigint NOT NULL,
  name text NOT NULL,
  installation_id bigint NOT NULL,
  read_at timestamptz NOT NULL,
  PRIMARY KEY (host, id)
)
