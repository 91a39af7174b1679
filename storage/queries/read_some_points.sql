-- The trials of these numbers: the columns of read_points.sql if the search planned them, else the state alone.
SELECT point.trial_id, trial.number, trial.state::text AS state, point.hash, point.config, point.seed, point.role,
    point.round, point.attempt, point.reason, point.failure, point.retired, point.set_aside, point.retry_of, trial.datetime_start, trial.datetime_complete,
    extract(epoch FROM trial.datetime_complete - trial.datetime_start)::float8 AS seconds,
    (SELECT json_object_agg(name, value::text ORDER BY name) FROM studyhall_metrics AS metric
     WHERE metric.trial_id = point.trial_id) AS metrics,
    (SELECT outcome FROM studyhall_attempts AS attempt WHERE attempt.trial_id = point.trial_id AND accepted
     ORDER BY attempt LIMIT 1) AS outcome,
    point.digest,
    (SELECT code FROM studyhall_attempts AS attempt WHERE attempt.trial_id = point.trial_id AND accepted
     ORDER BY attempt LIMIT 1) AS code
FROM trials AS trial LEFT JOIN studyhall_points AS point USING (trial_id)
WHERE trial.study_id = %(study_id)s AND trial.number = ANY(%(numbers)s)
ORDER BY trial.number
