-- Turn orphans back to WAITING. This statement follows the one that locked them, to see their worker's last write.
WITH waiting AS (
    UPDATE trials SET state = 'WAITING', datetime_start = NULL
    WHERE trial_id = ANY(%(trial_ids)s) AND state = 'RUNNING'
      AND set_config('studyhall.writer', 'on', true) = 'on'
    RETURNING trial_id, study_id, number
), attempt AS (
    UPDATE studyhall_attempts AS attempt
    SET ended_at = clock_timestamp(), outcome = 'lost', message = 'its worker''s database session ended'
    FROM waiting JOIN studyhall_points AS point USING (trial_id)
    WHERE attempt.trial_id = point.trial_id AND attempt.attempt = point.attempt AND attempt.outcome IS NULL
)
SELECT number, pg_notify('studyhall_' || study_id, 'recovered') FROM waiting ORDER BY number
