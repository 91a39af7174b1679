-- Points that another Optuna program enqueued and that have ended, by number: not those that the objective refused.
SELECT trial.number, point.config, point.seed, coalesce(point.role -> 'setting', '{}') AS setting
FROM studyhall_points AS point JOIN trials AS trial USING (trial_id)
WHERE point.study_id = %(study_id)s AND point.round = -1 AND point.retry_of IS NULL AND NOT point.retired
  AND point.failure IS DISTINCT FROM 'refused' AND trial.state NOT IN ('WAITING', 'RUNNING')
ORDER BY trial.number
