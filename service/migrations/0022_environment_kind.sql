CREATE INDEX environment_kind ON environment (kind, id)
