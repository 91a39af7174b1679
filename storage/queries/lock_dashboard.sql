-- Become the only writer of a study's note and figures until this transaction ends; false: another process writes.
-- A writer waits for no other session, and no other session waits for it long.
SELECT pg_try_advisory_xact_lock(%(space)s, %(study_id)s) AS held,
    set_config('lock_timeout', '2s', true) AS waits, set_config('statement_timeout', '60s', true) AS takes
