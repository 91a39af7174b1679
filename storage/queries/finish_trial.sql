-- End a trial: accepted once, and only from the attempt that holds it. No row: refused. Optuna shows the metrics, and the
-- reason of a failure, as user attributes.
WITH fence AS (
    SELECT trial.trial_id
    FROM trials AS trial JOIN studyhall_points AS point USING (trial_id)
    WHERE trial.trial_id = %(trial_id)s AND trial.state = 'RUNNING' AND point.attempt = %(attempt)s
    FOR UPDATE
), ended AS (
    UPDATE trials
    SET state = %(state)s::trialstate, datetime_complete = clock_timestamp() AT TIME ZONE 'UTC'
    FROM fence WHERE trials.trial_id = fence.trial_id AND set_config('studyhall.writer', 'on', true) = 'on'
    RETURNING trials.trial_id, trials.study_id
), attempt AS (
    UPDATE studyhall_attempts AS attempt
    SET ended_at = clock_timestamp(), outcome = %(outcome)s, message = %(message)s, tail = %(tail)s, accepted = true,
        digest = %(digest)s
    FROM fence WHERE attempt.trial_id = fence.trial_id AND attempt.attempt = %(attempt)s
), reason AS (
    UPDATE studyhall_points AS point
    SET reason = %(reason)s, failure = CASE WHEN %(state)s = 'FAIL' THEN 'failed' END
    FROM fence WHERE point.trial_id = fence.trial_id AND (%(reason)s::text IS NOT NULL OR %(state)s = 'FAIL')
), score AS (
    INSERT INTO trial_values (trial_id, objective, value, value_type)
    SELECT trial_id, given.place - 1, given.score, 'FINITE'
    FROM fence, unnest(%(scores)s::float8[]) WITH ORDINALITY AS given (score, place)
), metrics AS (
    INSERT INTO studyhall_metrics (trial_id, name, value)
    SELECT trial_id, metric.name, metric.value
    FROM fence, unnest(%(names)s::text[], %(figures)s::float8[]) AS metric (name, value)
), shown AS (
    INSERT INTO trial_user_attributes (trial_id, key, value_json)
    SELECT trial_id, attribute.key, attribute.value_json
    FROM fence, (
        SELECT metric.name, metric.value::text
        FROM unnest(%(names)s::text[], %(figures)s::float8[]) AS metric (name, value)
        WHERE metric.name <> 'reason' AND length(metric.name) <= 512
        UNION ALL
        SELECT 'reason', to_json(%(reason)s::text)::text WHERE %(reason)s::text IS NOT NULL
    ) AS attribute (key, value_json)
    ON CONFLICT (trial_id, key) DO UPDATE SET value_json = excluded.value_json
)
SELECT trial_id, pg_advisory_unlock(%(space)s, trial_id) AS unlocked FROM ended
