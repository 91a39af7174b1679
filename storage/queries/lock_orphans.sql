-- RUNNING trials whose lock is free. They are locked until this transaction ends, so that no worker claims them.
WITH held AS MATERIALIZED (
    SELECT objid::bigint AS trial_id FROM pg_locks
    WHERE locktype = 'advisory' AND classid = %(space)s::oid AND objsubid = 2
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
), loose AS MATERIALIZED (
    SELECT trial.trial_id
    FROM trials AS trial
    WHERE trial.study_id = %(study_id)s AND trial.state = 'RUNNING'
      AND EXISTS (SELECT FROM studyhall_points AS point WHERE point.trial_id = trial.trial_id)
      AND NOT EXISTS (SELECT FROM held WHERE held.trial_id = trial.trial_id)
    ORDER BY trial.trial_id
)
SELECT trial_id FROM loose WHERE pg_try_advisory_xact_lock(%(space)s, trial_id)
