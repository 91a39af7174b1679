-- The points that wait, by hash: as many rows as the queue is long.
SELECT point.hash FROM trials AS trial JOIN studyhall_points AS point USING (trial_id)
WHERE trial.study_id = %(study_id)s AND trial.state = 'WAITING' ORDER BY trial.number
