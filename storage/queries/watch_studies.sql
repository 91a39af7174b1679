-- Every study that Studyhall made, with its open work and whether a worker is alive: the cost grows with the open work.
SELECT study.study_name AS name, ours.search, ours.outcome, ours.outcome_kind, ours.failed, ours.draining, ours.max_trials,
    ours.deadline IS NOT NULL AND ours.deadline <= clock_timestamp() AS late,
    coalesce((SELECT number + 1 FROM trials AS trial WHERE trial.study_id = study.study_id
              ORDER BY number DESC NULLS LAST LIMIT 1), 0) AS trials,
    open.waiting, open.running,
    EXISTS (SELECT FROM studyhall_workers AS worker JOIN pg_locks AS lock ON lock.objid = worker.worker_id::oid
            WHERE worker.study_id = study.study_id AND worker.ended_at IS NULL
              AND lock.locktype = 'advisory' AND lock.classid = %(space)s::oid AND lock.objsubid = 2
              AND lock.database = (SELECT oid FROM pg_database WHERE datname = current_database())) AS alive
FROM studies AS study JOIN studyhall_studies AS ours USING (study_id)
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE state = 'WAITING') AS waiting, count(*) FILTER (WHERE state = 'RUNNING') AS running
    FROM trials AS trial WHERE trial.study_id = study.study_id AND trial.state IN ('WAITING', 'RUNNING')
) AS open
ORDER BY study.study_id
