-- Metrics that Optuna's user attributes show otherwise than they were accepted.
SELECT trial.number, metric.name, shown.value_json AS shown, metric.value::text AS accepted
FROM trials AS trial
JOIN studyhall_metrics AS metric USING (trial_id)
JOIN trial_user_attributes AS shown ON shown.trial_id = trial.trial_id AND shown.key = metric.name
WHERE trial.study_id = %(study_id)s AND shown.value_json <> metric.value::text
ORDER BY trial.number, metric.name
