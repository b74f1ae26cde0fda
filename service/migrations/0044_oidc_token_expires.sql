CREATE INDEX oidc_token_expires ON oidc_token (expires_at)
