CREATE INDEX environment_wanted ON environment (wanted, queued_at)
