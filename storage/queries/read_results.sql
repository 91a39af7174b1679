-- The points with these hashes that are in the study, finished or not.
SELECT point.hash, point.trial_id, trial.number, trial.state::text AS state, point.reason, point.failure,
    (SELECT json_object_agg(name, value::text) FROM studyhall_metrics AS metric WHERE metric.trial_id = point.trial_id)
        AS metrics,
    (SELECT outcome FROM studyhall_attempts AS attempt WHERE attempt.trial_id = point.trial_id AND accepted
     ORDER BY attempt LIMIT 1) AS outcome
FROM studyhall_points AS point JOIN trials AS trial USING (trial_id)
WHERE point.study_id = %(study_id)s AND point.hash = ANY(%(hashes)s) AND NOT point.retired
