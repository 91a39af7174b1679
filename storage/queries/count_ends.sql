-- How many trials of a study came to an accepted end, and how many failed for good (withdrawn and retried ones aside).
SELECT count(*) FILTER (WHERE trial.state IN ('COMPLETE', 'PRUNED')) AS accepted,
    count(*) FILTER (WHERE trial.state = 'FAIL' AND NOT point.retired) AS failed
FROM trials AS trial JOIN studyhall_points AS point USING (trial_id)
WHERE trial.study_id = %(study_id)s
