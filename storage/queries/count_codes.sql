-- How many accepted results ran each version of the user's code; null: it was not recorded.
SELECT attempt.code, count(*) AS results, array_agg(trial.number ORDER BY trial.number) AS numbers
FROM studyhall_points AS point JOIN studyhall_attempts AS attempt USING (trial_id) JOIN trials AS trial USING (trial_id)
WHERE point.study_id = %(study_id)s AND attempt.accepted AND NOT point.retired
GROUP BY attempt.code ORDER BY min(trial.number)
