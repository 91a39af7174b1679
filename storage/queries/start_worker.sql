-- A worker signs in; its lock shows that it is alive.
WITH worker AS (
    INSERT INTO studyhall_workers (study_id, host, pid, account, slots, versions)
    VALUES (%(study_id)s, %(host)s, %(pid)s, %(account)s, %(slots)s, %(versions)s)
    RETURNING worker_id
)
SELECT worker_id, pg_advisory_lock(%(space)s, worker_id) FROM worker
