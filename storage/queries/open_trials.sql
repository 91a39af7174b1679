-- The trials of a study that wait or run, with the number of the last attempt: as many rows as there is open work.
SELECT trial.number, trial.state::text AS state, point.attempt
FROM trials AS trial LEFT JOIN studyhall_points AS point USING (trial_id)
WHERE trial.study_id = %(study_id)s AND trial.state IN ('WAITING', 'RUNNING')
