-- Set planned trials aside that another Optuna program ended, so that their points can be planned again. An attempt that
-- it took from a worker of ours has ended too. The caller holds the study's row.
WITH taken AS (
    UPDATE studyhall_points AS point SET failure = 'taken', reason = 'taken by another Optuna program'
    FROM trials AS trial
    WHERE trial.trial_id = point.trial_id AND point.study_id = %(study_id)s
      AND trial.state IN ('COMPLETE', 'PRUNED', 'FAIL') AND point.reason IS NULL AND NOT point.retired
      AND NOT EXISTS (SELECT FROM studyhall_attempts AS attempt
                      WHERE attempt.trial_id = point.trial_id AND attempt.accepted)
      AND NOT EXISTS (SELECT FROM studyhall_metrics AS metric WHERE metric.trial_id = point.trial_id)
    RETURNING point.trial_id, trial.number
), attempt AS (
    UPDATE studyhall_attempts AS attempt
    SET ended_at = clock_timestamp(), outcome = 'lost', message = 'another Optuna program ended its trial'
    FROM taken WHERE attempt.trial_id = taken.trial_id AND attempt.outcome IS NULL
)
SELECT number FROM taken ORDER BY number
