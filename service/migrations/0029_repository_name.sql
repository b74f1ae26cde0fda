CREATE INDEX repository_name ON repository (name)
