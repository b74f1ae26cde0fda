CREATE TABLE region (
  account text NOT NULL,
  region text NOT NULL,
  version bigint NOT NULL,
  paused_until timestamptz NOT NULL,
  PRIMARY KEY (account, region)
)
