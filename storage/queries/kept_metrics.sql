-- Trials that ran to their end, lacked a metric that was asked for, and are set aside: the metrics that they did return.
-- Only those that ran the objective and the data in force: a correction of these is a decision of its own.
SELECT point.hash, trial.number, point.attempt,
    (SELECT json_object_agg(name, value::text) FROM studyhall_metrics AS metric WHERE metric.trial_id = point.trial_id) AS metrics
FROM studyhall_points AS point JOIN trials AS trial USING (trial_id)
JOIN studyhall_attempts AS attempt ON attempt.trial_id = point.trial_id AND attempt.accepted AND attempt.outcome = 'invalid'
WHERE point.study_id = %(study_id)s AND point.retired AND trial.state = 'FAIL'
  AND EXISTS (SELECT FROM studyhall_metrics AS metric WHERE metric.trial_id = point.trial_id)
  AND point.round > (SELECT coalesce(max(number), -3) FROM studyhall_decisions AS decision
                     WHERE decision.study_id = %(study_id)s AND kind = 'override'
                       AND (record -> 'corrected' -> 'objective' IS NOT NULL
                            OR record -> 'corrected' -> 'config.dataset' IS NOT NULL))
ORDER BY trial.number
