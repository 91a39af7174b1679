-- Planned trials that another Optuna program ended: none of our attempts was accepted, and no statement of ours gave a
-- reason. With the number of the trial that runs the point now.
SELECT trial.number, again.number AS again
FROM studyhall_points AS point JOIN trials AS trial USING (trial_id)
LEFT JOIN studyhall_points AS renewed ON renewed.retry_of = point.trial_id
LEFT JOIN trials AS again ON again.trial_id = renewed.trial_id
WHERE point.study_id = %(study_id)s
  AND (point.failure = 'taken'
       OR (trial.state IN ('COMPLETE', 'PRUNED', 'FAIL') AND point.reason IS NULL AND NOT point.retired
           AND NOT EXISTS (SELECT FROM studyhall_attempts AS attempt
                           WHERE attempt.trial_id = point.trial_id AND attempt.accepted)
      AND NOT EXISTS (SELECT FROM studyhall_metrics AS metric WHERE metric.trial_id = point.trial_id)))
ORDER BY trial.number
