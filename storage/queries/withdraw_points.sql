-- Turn WAITING points that the plan dropped to FAIL with the reason; the caller holds the study's row.
WITH withdrawn AS (
    UPDATE trials AS trial
    SET state = 'FAIL', datetime_start = coalesce(datetime_start, clock_timestamp() AT TIME ZONE 'UTC'),
        datetime_complete = clock_timestamp() AT TIME ZONE 'UTC'
    FROM studyhall_points AS point
    WHERE point.trial_id = trial.trial_id AND trial.study_id = %(study_id)s AND trial.state = 'WAITING'
      AND point.hash = ANY(%(hashes)s) AND NOT point.retired
      AND set_config('studyhall.writer', 'on', true) = 'on'
    RETURNING trial.trial_id
), reason AS (
    UPDATE studyhall_points AS point SET reason = %(reason)s, failure = 'withdrawn', retired = true
    FROM withdrawn WHERE point.trial_id = withdrawn.trial_id
), shown AS (
    INSERT INTO trial_user_attributes (trial_id, key, value_json)
    SELECT trial_id, 'reason', to_json(%(reason)s::text)::text FROM withdrawn
    ON CONFLICT (trial_id, key) DO UPDATE SET value_json = excluded.value_json
)
SELECT count(*) AS withdrawn FROM withdrawn
