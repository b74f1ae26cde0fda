CREATE TABLE answer (
  caller text NOT NULL,
  key text NOT NULL,
  digest text NOT NULL,
  status integer NOT NULL,
  body text NOT NULL,
  at timestamptz NOT NULL,
  PRIMARY KEY (caller, key)
)
