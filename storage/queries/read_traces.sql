-- What started trials have left to look at: the last attempt's log, its host, and whether there are reports.
-- Null trial_id: all trials of the study.
SELECT point.trial_id, trial.number, ours.folder, ours.created_at, point.attempt,
    EXISTS (SELECT FROM studyhall_reports AS report WHERE report.trial_id = point.trial_id) AS reported,
    worker.host, attempt.tail
FROM studyhall_points AS point
JOIN trials AS trial USING (trial_id)
JOIN studyhall_studies AS ours ON ours.study_id = point.study_id
JOIN studyhall_attempts AS attempt ON attempt.trial_id = point.trial_id AND attempt.attempt = point.attempt
LEFT JOIN studyhall_workers AS worker USING (worker_id)
WHERE CASE WHEN %(trial_id)s::integer IS NULL THEN point.study_id = %(study_id)s
           ELSE point.trial_id = %(trial_id)s::integer END
