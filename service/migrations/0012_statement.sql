CREATE TABLE statement (
  cluster_id text NOT NULL,
  ordinal integer NOT NULL,
  file text NOT NULL,
  index_in_file integer NOT NULL,
  line integer NOT NULL,
  checksum text NOT NULL,
  state text NOT NULL,
  job_id text,
  code text,
  message text,
  started_at timestamptz NOT NULL,
  finished_at timestamptz,
  PRIMARY KEY (cluster_id, ordinal)
)
