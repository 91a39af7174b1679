-- The trials of a study that wait or run, with the attempt that ours are at: as many rows as the open work has.
SELECT trial.number, trial.state::text AS state, point.attempt
FROM trials AS trial LEFT JOIN studyhall_points AS point USING (trial_id)
WHERE trial.study_id = %(study_id)s AND trial.state IN ('WAITING', 'RUNNING')
