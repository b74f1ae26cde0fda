CREATE TABLE cluster_access (
  cluster_id text PRIMARY KEY,
  roles text NOT NULL,
  digest text
)
