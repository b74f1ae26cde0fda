CREATE INDEX cluster_identifier ON cluster (identifier)
