CREATE TABLE installation (
  host text NOT NULL,
  id bigint NOT NULL,
  paused_until timestamptz NOT NULL,
  PRIMARY KEY (host, id)
)
