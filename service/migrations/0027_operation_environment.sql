CREATE INDEX operation_environment ON operation (environment_id, id)
