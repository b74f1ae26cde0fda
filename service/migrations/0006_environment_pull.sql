CREATE INDEX environment_pull ON environment (pull_key)
