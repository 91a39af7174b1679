-- Claim the first WAITING point with its lock: both become visible together, or neither does.
-- A point that ran out of memory needs a device to itself. With a number: that trial or none.
WITH next AS (
    SELECT trial.trial_id, study.key
    FROM trials AS trial
    JOIN studyhall_studies AS study USING (study_id)
    WHERE trial.study_id = %(study_id)s
      AND trial.state = 'WAITING'
      AND EXISTS (SELECT FROM studyhall_points AS point WHERE point.trial_id = trial.trial_id)
      AND (%(alone)s OR NOT EXISTS (SELECT FROM studyhall_attempts AS earlier
                                    WHERE earlier.trial_id = trial.trial_id AND outcome = 'out_of_memory'))
      AND (%(number)s::integer IS NULL OR trial.number = %(number)s::integer)
      AND NOT study.draining
      AND (study.max_trials IS NULL OR trial.number < study.max_trials)
      AND (study.deadline IS NULL OR clock_timestamp() < study.deadline)
    ORDER BY trial.number
    LIMIT 1
    FOR UPDATE OF trial SKIP LOCKED
), held AS MATERIALIZED (
    SELECT trial_id, key FROM next WHERE pg_try_advisory_lock(%(space)s, trial_id)
), running AS (
    UPDATE trials
    SET state = 'RUNNING', datetime_start = clock_timestamp() AT TIME ZONE 'UTC'
    FROM held WHERE trials.trial_id = held.trial_id AND set_config('studyhall.writer', 'on', true) = 'on'
    RETURNING trials.trial_id, trials.number, held.key
), fenced AS (
    UPDATE studyhall_points AS point
    SET attempt = point.attempt + 1
    FROM running WHERE point.trial_id = running.trial_id
    RETURNING point.trial_id, running.number, point.attempt, point.hash, point.config, point.seed, point.role,
        running.key AS study
), begun AS (
    INSERT INTO studyhall_attempts (trial_id, attempt, worker_id, slot, code)
    SELECT trial_id, attempt, %(worker_id)s, %(slot)s, %(user_code)s FROM fenced
)
SELECT fenced.*,
    ARRAY(SELECT outcome FROM studyhall_attempts AS earlier
          WHERE earlier.trial_id = fenced.trial_id AND outcome IS NOT NULL ORDER BY attempt) AS outcomes,
    (SELECT versions FROM studyhall_workers WHERE worker_id = %(worker_id)s) AS code,
    %(user_code)s::text AS user_code,
    pg_backend_pid() AS backend
FROM fenced
