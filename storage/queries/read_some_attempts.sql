-- The attempts of some trials of a study, by their numbers.
SELECT trial.number, attempt.trial_id, attempt.attempt, attempt.worker_id, worker.host, worker.pid, attempt.slot,
    attempt.started_at, attempt.ended_at,
    extract(epoch FROM attempt.ended_at - attempt.started_at)::float8 AS seconds,
    attempt.outcome, attempt.message, attempt.tail, attempt.accepted, attempt.refused, trial.state::text AS state,
    attempt.digest
FROM trials AS trial JOIN studyhall_attempts AS attempt USING (trial_id)
LEFT JOIN studyhall_workers AS worker USING (worker_id)
WHERE trial.study_id = %(study_id)s AND trial.number = ANY(%(numbers)s)
ORDER BY trial.number, attempt.attempt
