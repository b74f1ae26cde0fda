CREATE TABLE wakeup (
  topic text NOT NULL,
  key text NOT NULL,
  due_at timestamptz NOT NULL,
  not_before timestamptz NOT NULL,
  seq bigint NOT NULL,
  attempts integer NOT NULL,
  lease text,
  lease_until timestamptz,
  reason text,
  PRIMARY KEY (topic, key)
)
