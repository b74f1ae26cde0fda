CREATE INDEX cluster_environment ON cluster (environment_id)
