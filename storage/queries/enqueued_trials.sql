-- Trials that wait without a point: another Optuna program enqueued them. With the parameters that it fixed, as JSON.
SELECT trial.trial_id, trial.number, fixed.value_json AS fixed
FROM trials AS trial
LEFT JOIN trial_system_attributes AS fixed ON fixed.trial_id = trial.trial_id AND fixed.key = 'fixed_params'
WHERE trial.study_id = %(study_id)s AND trial.state = 'WAITING'
  AND NOT EXISTS (SELECT FROM studyhall_points AS point WHERE point.trial_id = trial.trial_id)
ORDER BY trial.number
