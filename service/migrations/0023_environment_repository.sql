CREATE INDEX environment_repository ON environment (repository_id, number)
