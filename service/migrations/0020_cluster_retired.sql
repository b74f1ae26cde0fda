ALTER TABLE cluster
  ADD COLUMN protected boolean,
  ADD COLUMN fenced_at timestamptz,
  ADD COLUMN born_generation bigint
