-- Mean time of the attempts that completed a trial of a study; null where there is none.
SELECT avg(extract(epoch FROM attempt.ended_at - attempt.started_at))::float8 AS seconds
FROM studyhall_attempts AS attempt JOIN trials AS trial USING (trial_id)
WHERE trial.study_id = %(study_id)s AND attempt.accepted AND trial.state = 'COMPLETE'
