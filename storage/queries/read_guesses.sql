-- Speculative points that still wait, by hash.
SELECT point.hash
FROM trials AS trial JOIN studyhall_points AS point USING (trial_id)
WHERE trial.study_id = %(study_id)s AND trial.state = 'WAITING' AND point.round = %(ahead)s
