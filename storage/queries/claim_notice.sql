-- Whether this command gives notice that a study has ended or stopped: one of those that share it, once each time. The mark
-- keeps when that was and why; only a worker that started later gives notice again, if trials ran since or the reason is new.
INSERT INTO study_system_attributes AS kept (study_id, key, value_json)
SELECT %(study_id)s, 'studyhall:notice',
    json_build_object('at', extract(epoch FROM clock_timestamp()), 'reason', %(reason)s::text)::text
WHERE NOT %(alone)s OR NOT EXISTS (
    SELECT FROM studyhall_workers AS worker JOIN pg_locks AS lock ON lock.objid = worker.worker_id::oid
    WHERE worker.study_id = %(study_id)s AND worker.ended_at IS NULL
      AND lock.locktype = 'advisory' AND lock.classid = %(space)s::oid AND lock.objsubid = 2
      AND lock.database = (SELECT oid FROM pg_database WHERE datname = current_database()))
ON CONFLICT (study_id, key) DO UPDATE SET value_json = excluded.value_json
WHERE EXISTS (
    SELECT FROM studyhall_workers AS worker
    WHERE worker.study_id = %(study_id)s AND worker.worker_id = coalesce(%(worker_id)s::integer, worker.worker_id)
      AND extract(epoch FROM worker.started_at) > (kept.value_json::json->>'at')::numeric
) AND (
    kept.value_json::json->>'reason' <> %(reason)s::text OR EXISTS (
        SELECT FROM studyhall_workers AS worker JOIN studyhall_attempts AS attempt USING (worker_id)
        WHERE worker.study_id = %(study_id)s AND extract(epoch FROM attempt.started_at) > (kept.value_json::json->>'at')::numeric)
)
RETURNING study_id
