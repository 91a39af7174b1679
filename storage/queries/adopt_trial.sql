-- Make an enqueued trial a point of its study, outside of any round: -1. The caller holds the study's row.
-- If the study has that point already, or the objective refuses it, the trial becomes FAIL with the reason.
WITH trial AS (
    SELECT trial.trial_id, trial.study_id, trial.number FROM trials AS trial
    WHERE trial.trial_id = %(trial_id)s AND trial.state = 'WAITING'
      AND NOT EXISTS (SELECT FROM studyhall_points AS point WHERE point.trial_id = trial.trial_id)
    FOR UPDATE
), twin AS (
    SELECT 'withdrawn: the same as trial ' || other.number AS reason
    FROM trial JOIN studyhall_points AS point USING (study_id) JOIN trials AS other ON other.trial_id = point.trial_id
    WHERE point.hash = %(hash)s AND NOT point.retired
), judged AS (
    SELECT trial.*, coalesce(%(refusal)s, (SELECT reason FROM twin)) AS reason,
        coalesce(%(failure)s, (SELECT 'withdrawn' FROM twin)) AS failure
    FROM trial
), point AS (
    INSERT INTO studyhall_points (trial_id, study_id, hash, config, seed, role, round, reason, failure, retired,
        digest)
    SELECT trial_id, study_id, %(hash)s, %(config)s, %(seed)s, %(role)s, -1, reason, failure,
        coalesce(failure = 'withdrawn', false), %(digest)s
    FROM judged
), sum AS (
    UPDATE studyhall_studies AS study SET planned = planned + 1, plan = plan
        + ('x' || left(encode(sha256(convert_to(number || ' ' || %(digest)s, 'UTF8')), 'hex'), 15))::bit(60)::bigint
    FROM judged WHERE study.study_id = judged.study_id
), param AS (
    INSERT INTO trial_params (trial_id, param_name, param_value, distribution_json)
    SELECT trial_id, shown.name, shown.internal, shown.distribution
    FROM judged, json_to_recordset(%(params)s::json) AS shown (name text, internal float8, distribution text)
    ON CONFLICT DO NOTHING
), shown AS (
    INSERT INTO trial_user_attributes (trial_id, key, value_json)
    SELECT trial_id, 'reason', to_json(reason)::text FROM judged WHERE reason IS NOT NULL
    ON CONFLICT (trial_id, key) DO UPDATE SET value_json = excluded.value_json
), ended AS (
    UPDATE trials SET state = 'FAIL', datetime_start = clock_timestamp() AT TIME ZONE 'UTC',
        datetime_complete = clock_timestamp() AT TIME ZONE 'UTC'
    FROM judged WHERE trials.trial_id = judged.trial_id AND judged.reason IS NOT NULL
      AND set_config('studyhall.writer', 'on', true) = 'on'
)
SELECT reason, pg_notify('studyhall_' || study_id, 'planned') FROM judged
