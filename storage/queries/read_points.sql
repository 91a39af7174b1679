-- Every trial of a study that the search planned, with its end and its metrics.
SELECT point.trial_id, trial.number, trial.state::text AS state, point.hash, point.config, point.seed, point.role,
    point.round, point.attempt, point.reason, point.failure, point.retired, point.set_aside, point.retry_of,
    trial.datetime_start, trial.datetime_complete,
    extract(epoch FROM trial.datetime_complete - trial.datetime_start)::float8 AS seconds,
    metric.metrics,
    (SELECT outcome FROM studyhall_attempts AS attempt WHERE attempt.trial_id = point.trial_id AND accepted
     ORDER BY attempt LIMIT 1) AS outcome,
    point.digest,
    (SELECT code FROM studyhall_attempts AS attempt WHERE attempt.trial_id = point.trial_id AND accepted
     ORDER BY attempt LIMIT 1) AS code,
    CASE WHEN trial.state = 'PRUNED' THEN
        (SELECT ARRAY[step, intermediate_value] FROM trial_intermediate_values AS reported
         WHERE reported.trial_id = point.trial_id AND intermediate_value_type = 'FINITE' ORDER BY step DESC LIMIT 1)
    END AS last_report
FROM studyhall_points AS point
JOIN trials AS trial USING (trial_id)
LEFT JOIN (
    SELECT trial_id, json_object_agg(name, value::text ORDER BY name) AS metrics
    FROM studyhall_metrics JOIN studyhall_points USING (trial_id) WHERE study_id = %(study_id)s GROUP BY trial_id
) AS metric USING (trial_id)
WHERE point.study_id = %(study_id)s
ORDER BY trial.number
