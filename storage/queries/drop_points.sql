-- Set finished results aside, without planning their points again. The caller holds the study's row.
UPDATE studyhall_points AS point SET retired = true, set_aside = 'dropped'
FROM trials AS trial
WHERE trial.trial_id = point.trial_id AND point.study_id = %(study_id)s AND trial.number = ANY(%(numbers)s::integer[])
  AND trial.state IN ('COMPLETE', 'PRUNED', 'FAIL') AND NOT point.retired
RETURNING trial.number
