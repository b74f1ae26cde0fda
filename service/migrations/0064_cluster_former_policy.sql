ALTER TABLE cluster ADD COLUMN former_policy text
