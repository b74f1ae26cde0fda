CREATE INDEX cluster_status ON cluster (account, region, status)
