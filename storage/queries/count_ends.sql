-- How many trials of a study have an accepted end, and how many failed for good (neither withdrawn nor retried).
SELECT count(*) FILTER (WHERE trial.state IN ('COMPLETE', 'PRUNED') AND NOT point.retired) AS accepted,
    count(*) FILTER (WHERE trial.state = 'FAIL' AND NOT point.retired) AS failed
FROM trials AS trial JOIN studyhall_points AS point USING (trial_id)
WHERE trial.study_id = %(study_id)s
