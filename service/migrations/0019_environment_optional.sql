-- breaking: rows of git branches and customers have no pull request
ALTER TABLE environment
  ALTER COLUMN pull_key DROP NOT NULL,
  ALTER COLUMN repository_id DROP NOT NULL,
  ALTER COLUMN number DROP NOT NULL,
  ALTER COLUMN until DROP NOT NULL
