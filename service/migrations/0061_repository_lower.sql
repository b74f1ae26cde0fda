ALTER TABLE repository ADD COLUMN name_lower text
