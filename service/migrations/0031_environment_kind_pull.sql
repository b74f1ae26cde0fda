UPDATE environment SET kind = 'pull' WHERE kind IS NULL
