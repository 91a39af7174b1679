-- Trials that other Optuna programs run in the original: nobody runs them in a copy.
UPDATE trials SET state = 'FAIL', datetime_complete = clock_timestamp() AT TIME ZONE 'UTC'
WHERE study_id = %(study_id)s AND state = 'RUNNING'
  AND NOT EXISTS (SELECT FROM studyhall_points AS point WHERE point.trial_id = trials.trial_id)
