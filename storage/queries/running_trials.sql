-- The running trials: where they run, since when, and their last report.
SELECT trial.number, point.role, attempt.attempt, attempt.worker_id, attempt.slot, worker.host, worker.pid, attempt.started_at,
    extract(epoch FROM clock_timestamp() - attempt.started_at)::float8 AS seconds,
    report.step, report.names, report.figures
FROM trials AS trial
JOIN studyhall_points AS point USING (trial_id)
JOIN studyhall_attempts AS attempt ON attempt.trial_id = point.trial_id AND attempt.attempt = point.attempt
LEFT JOIN studyhall_workers AS worker USING (worker_id)
LEFT JOIN LATERAL (
    SELECT step, names, figures FROM studyhall_reports AS last
    WHERE last.trial_id = trial.trial_id ORDER BY step DESC LIMIT 1
) AS report ON true
WHERE trial.study_id = %(study_id)s AND trial.state = 'RUNNING'
ORDER BY trial.number
