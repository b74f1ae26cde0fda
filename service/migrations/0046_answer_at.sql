CREATE INDEX answer_at ON answer (at)
