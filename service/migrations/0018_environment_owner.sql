ALTER TABLE environment
  ADD COLUMN kind text,
  ADD COLUMN customer_key text,
  ADD COLUMN git_branch text,
  ADD COLUMN labels text,
  ADD COLUMN limits text,
  ADD COLUMN protected boolean,
  ADD COLUMN revision bigint,
  ADD COLUMN reset_generation bigint
