-- The attempts of some trials of a study, by their numbers.
SELECT trial.number, attempt.attempt, attempt.started_at, attempt.ended_at,
    extract(epoch FROM attempt.ended_at - attempt.started_at)::float8 AS seconds,
    attempt.outcome, attempt.message, attempt.tail, attempt.accepted, trial.state::text AS state
FROM trials AS trial JOIN studyhall_attempts AS attempt USING (trial_id)
WHERE trial.study_id = %(study_id)s AND trial.number = ANY(%(numbers)s)
ORDER BY trial.number, attempt.attempt
