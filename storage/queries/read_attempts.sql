-- The attempts of a study in the order of their starts: of the trials of these numbers, or of all.
SELECT trial.number, attempt.trial_id, attempt.attempt, attempt.worker_id, worker.host, worker.pid, attempt.slot,
    attempt.started_at, attempt.ended_at, extract(epoch FROM attempt.ended_at - attempt.started_at)::float8 AS seconds,
    attempt.outcome, attempt.message, attempt.tail, attempt.accepted, attempt.refused, trial.state::text AS state, attempt.digest, attempt.code
FROM studyhall_attempts AS attempt
JOIN studyhall_points AS point USING (trial_id)
JOIN trials AS trial USING (trial_id)
LEFT JOIN studyhall_workers AS worker ON worker.worker_id = attempt.worker_id
WHERE point.study_id = %(study_id)s AND (%(numbers)s::integer[] IS NULL OR trial.number = ANY(%(numbers)s::integer[]))
ORDER BY attempt.started_at, attempt.trial_id, attempt.attempt
