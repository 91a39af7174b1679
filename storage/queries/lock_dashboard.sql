-- Until the end of this transaction, be the one who writes what the browser shows of a study; false: somebody else is.
-- Whoever writes there waits for nobody, and keeps nobody waiting.
SELECT pg_try_advisory_xact_lock(%(space)s, %(study_id)s) AS held,
    set_config('lock_timeout', '2s', true) AS waits, set_config('statement_timeout', '60s', true) AS takes
