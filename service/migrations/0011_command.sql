CREATE TABLE command (
  pull_key text NOT NULL,
  comment_id bigint NOT NULL,
  verb text NOT NULL,
  author text NOT NULL,
  commented_at timestamptz NOT NULL,
  outcome text NOT NULL,
  reaction text,
  reacted_at timestamptz,
  PRIMARY KEY (pull_key, comment_id)
)
