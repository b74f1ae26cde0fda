CREATE INDEX session_expires ON session (expires_at)
