ALTER TABLE environment
  ADD COLUMN created_at timestamptz,
  ADD COLUMN was_protected boolean
