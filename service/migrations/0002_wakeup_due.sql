CREATE INDEX wakeup_due ON wakeup (due_at)
