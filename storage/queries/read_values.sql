-- The scores that Optuna shows, by trial, in the order of the study's directions.
SELECT trial_id, array_agg(value ORDER BY objective) AS values
FROM trial_values JOIN trials USING (trial_id) WHERE study_id = %(study_id)s GROUP BY trial_id
