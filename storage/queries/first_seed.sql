-- The seed of the first point that a study planned.
SELECT seed FROM studyhall_points WHERE study_id = %(study_id)s AND round <> -1 ORDER BY trial_id LIMIT 1
