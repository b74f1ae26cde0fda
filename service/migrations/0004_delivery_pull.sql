CREATE INDEX delivery_pull ON delivery (pull_key, handled_at)
