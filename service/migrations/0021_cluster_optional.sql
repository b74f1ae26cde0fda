-- breaking: clusters of customers have no repository
ALTER TABLE cluster ALTER COLUMN repository_id DROP NOT NULL
