-- How many trials of a study ran and failed for good: neither retried nor withdrawn, and not with one of these outcomes.
SELECT count(*) AS failed
FROM trials AS trial JOIN studyhall_points AS point USING (trial_id)
WHERE trial.study_id = %(study_id)s AND trial.state = 'FAIL' AND point.failure = 'failed' AND NOT point.retired
  AND NOT EXISTS (SELECT FROM studyhall_attempts AS attempt
                  WHERE attempt.trial_id = point.trial_id AND accepted AND outcome = ANY(%(answers)s))
