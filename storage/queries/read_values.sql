-- The score that Optuna shows, by trial.
SELECT trial_id, value FROM trial_values JOIN trials USING (trial_id) WHERE study_id = %(study_id)s AND objective = 0
