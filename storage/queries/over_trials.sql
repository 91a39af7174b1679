-- Of these numbers, the trials that are over: no further attempt begins.
SELECT number FROM trials
WHERE study_id = %(study_id)s AND number = ANY(%(numbers)s) AND state NOT IN ('WAITING', 'RUNNING')
