-- Turn a RUNNING trial back to WAITING on the same row, for a further attempt. No row: another attempt holds the trial.
WITH fence AS (
    SELECT trial.trial_id
    FROM trials AS trial JOIN studyhall_points AS point USING (trial_id)
    WHERE trial.trial_id = %(trial_id)s AND trial.state = 'RUNNING' AND point.attempt = %(attempt)s
    FOR UPDATE
), waiting AS (
    UPDATE trials SET state = 'WAITING', datetime_start = NULL
    FROM fence WHERE trials.trial_id = fence.trial_id AND set_config('studyhall.writer', 'on', true) = 'on'
    RETURNING trials.trial_id, trials.study_id
), attempt AS (
    UPDATE studyhall_attempts AS attempt
    SET ended_at = clock_timestamp(), outcome = %(outcome)s, message = %(message)s, tail = %(tail)s
    FROM fence WHERE attempt.trial_id = fence.trial_id AND attempt.attempt = %(attempt)s
)
SELECT trial_id, pg_advisory_unlock(%(space)s, trial_id) AS unlocked,
    pg_notify('studyhall_' || study_id, 'released')
FROM waiting
