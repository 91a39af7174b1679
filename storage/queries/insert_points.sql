-- Plan a batch of points: Optuna's trials with their parameters, and Studyhall's points. The caller holds the study's row.
-- A point that its objective refused becomes FAIL with the reason, and never takes a slot.
WITH last AS (
    SELECT coalesce((SELECT number FROM trials WHERE study_id = %(study_id)s ORDER BY number DESC NULLS LAST LIMIT 1), -1)
        AS number
), wanted AS (
    SELECT point.*, row_number() OVER (ORDER BY point.given) AS place
    FROM ROWS FROM (
        json_to_recordset(%(points)s::json)
        AS (hash text, config json, seed bigint, role json, params json, refusal text, digest text)
    ) WITH ORDINALITY AS point (hash, config, seed, role, params, refusal, digest, given)
    WHERE NOT EXISTS (SELECT FROM studyhall_points AS known
                      WHERE known.study_id = %(study_id)s AND known.hash = point.hash AND NOT known.retired)
      AND NOT EXISTS (SELECT FROM studyhall_points AS dropped
                      WHERE dropped.study_id = %(study_id)s AND dropped.hash = point.hash AND dropped.set_aside = 'dropped')
), trial AS (
    INSERT INTO trials (study_id, number, state, datetime_start, datetime_complete)
    SELECT %(study_id)s, last.number + place,
        CASE WHEN refusal IS NULL THEN 'WAITING' ELSE 'FAIL' END::trialstate,
        CASE WHEN refusal IS NOT NULL THEN clock_timestamp() AT TIME ZONE 'UTC' END,
        CASE WHEN refusal IS NOT NULL THEN clock_timestamp() AT TIME ZONE 'UTC' END
    FROM wanted, last ORDER BY place
    RETURNING trial_id, number
), planned AS (
    SELECT trial.trial_id, trial.number, wanted.*
    FROM trial CROSS JOIN last JOIN wanted ON trial.number = last.number + wanted.place
), point AS (
    INSERT INTO studyhall_points (trial_id, study_id, hash, config, seed, role, round, reason, failure, digest)
    SELECT trial_id, %(study_id)s, hash, config, seed, role, %(round)s, refusal,
        CASE WHEN refusal IS NOT NULL THEN 'refused' END, digest
    FROM planned
    RETURNING trial_id
), param AS (
    INSERT INTO trial_params (trial_id, param_name, param_value, distribution_json)
    SELECT trial_id, param.name, param.internal, param.distribution
    FROM planned, json_to_recordset(params) AS param (name text, internal float8, distribution text)
), shown AS (
    INSERT INTO trial_user_attributes (trial_id, key, value_json)
    SELECT trial_id, 'reason', to_json(refusal)::text FROM planned WHERE refusal IS NOT NULL
), sum AS (
    UPDATE studyhall_studies SET planned = planned + new.points, plan = plan + new.shares
    FROM (
        SELECT count(*)::integer AS points,
            sum(('x' || left(encode(sha256(convert_to(number || ' ' || digest, 'UTF8')), 'hex'), 15))::bit(60)::bigint) AS shares
        FROM planned
    ) AS new
    WHERE study_id = %(study_id)s AND new.points > 0
)
SELECT count(*) AS planned, pg_notify('studyhall_' || %(study_id)s, 'planned') FROM point
