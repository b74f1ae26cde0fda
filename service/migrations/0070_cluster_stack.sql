ALTER TABLE cluster
  ADD COLUMN stack text,
  ADD COLUMN trouble text,
  ADD COLUMN connect_role text,
  ADD COLUMN reader_role text
