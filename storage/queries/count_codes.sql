-- How many results that count ran each version of the user's code; null: it was not recorded. Failures are none.
SELECT attempt.code, count(*) AS results, array_agg(trial.number ORDER BY trial.number) AS numbers
FROM studyhall_points AS point JOIN studyhall_attempts AS attempt USING (trial_id) JOIN trials AS trial USING (trial_id)
WHERE point.study_id = %(study_id)s AND attempt.accepted AND NOT point.retired AND trial.state IN ('COMPLETE', 'PRUNED')
GROUP BY attempt.code ORDER BY min(trial.number)
