CREATE INDEX label_environment ON label (environment_id)
