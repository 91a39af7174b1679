-- Unfinished speculative points that are wanted now join this round, which waits for them.
UPDATE studyhall_points AS point SET round = %(round)s
FROM trials AS trial
WHERE trial.trial_id = point.trial_id AND point.study_id = %(study_id)s AND point.round = %(ahead)s
  AND point.hash = ANY(%(wanted)s) AND NOT point.retired AND trial.state IN ('WAITING', 'RUNNING')
