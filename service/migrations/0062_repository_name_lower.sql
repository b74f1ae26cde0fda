CREATE INDEX repository_name_lower ON repository (name_lower)
