-- Trials that no search of ours planned, with what every Optuna program leaves of the trials that it makes.
SELECT trial.number, trial.state::text AS state,
    trial.datetime_start IS NOT NULL AS started, trial.datetime_complete IS NOT NULL AS ended,
    EXISTS (SELECT FROM trial_values AS kept WHERE kept.trial_id = trial.trial_id) AS valued,
    EXISTS (SELECT FROM trial_system_attributes AS kept WHERE kept.trial_id = trial.trial_id AND key = 'fixed_params')
        AS enqueued
FROM trials AS trial
WHERE trial.study_id = %(study_id)s
  AND NOT EXISTS (SELECT FROM studyhall_points AS point WHERE point.trial_id = trial.trial_id)
ORDER BY trial.number
