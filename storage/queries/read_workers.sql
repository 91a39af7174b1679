-- The workers of a study, with whether each still holds its lock.
SELECT worker_id, host, pid, account, slots, versions, started_at, ended_at,
    ended_at IS NULL AND EXISTS (
        SELECT FROM pg_locks WHERE locktype = 'advisory' AND classid = %(space)s::oid AND objid = worker_id::oid
          AND objsubid = 2 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())) AS alive
FROM studyhall_workers WHERE study_id = %(study_id)s ORDER BY worker_id
