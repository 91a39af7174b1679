-- The points with these hashes that are in the study, finished or not; those that were dropped come first.
WITH point AS (
    SELECT trial_id, hash, reason, failure, set_aside FROM studyhall_points
    WHERE study_id = %(study_id)s AND hash = ANY(%(hashes)s) AND set_aside = 'dropped'
    UNION ALL
    SELECT trial_id, hash, reason, failure, set_aside FROM studyhall_points
    WHERE study_id = %(study_id)s AND hash = ANY(%(hashes)s) AND NOT retired
)
SELECT point.hash, point.trial_id, trial.number, trial.state::text AS state, point.reason, point.failure, point.set_aside,
    (SELECT json_object_agg(name, value::text) FROM studyhall_metrics AS metric WHERE metric.trial_id = point.trial_id)
        AS metrics,
    (SELECT outcome FROM studyhall_attempts AS attempt WHERE attempt.trial_id = point.trial_id AND accepted
     ORDER BY attempt LIMIT 1) AS outcome,
    CASE WHEN trial.state = 'PRUNED' THEN
        (SELECT ARRAY[step, intermediate_value] FROM trial_intermediate_values AS reported
         WHERE reported.trial_id = point.trial_id AND intermediate_value_type = 'FINITE' ORDER BY step DESC LIMIT 1)
    END AS last_report
FROM point JOIN trials AS trial USING (trial_id)
ORDER BY point.set_aside NULLS LAST, trial.number
