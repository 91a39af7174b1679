-- Give points that failed or were taken a new trial each, linked to the old one; null numbers: all of them. Withdrawn
-- points stay so. With `set_aside` finished ones too, which then count no more. The caller holds the study's row.
WITH retired AS (
    UPDATE studyhall_points AS point SET retired = true, set_aside = %(set_aside)s
    FROM trials AS trial
    WHERE trial.trial_id = point.trial_id AND point.study_id = %(study_id)s
      AND (trial.state = 'FAIL' OR point.failure = 'taken'
           OR trial.state IN ('COMPLETE', 'PRUNED') AND %(set_aside)s::text IS NOT NULL)
      AND (NOT point.retired OR point.set_aside = 'dropped' AND %(set_aside)s::text IS NOT NULL)
      AND (%(numbers)s::integer[] IS NULL OR trial.number = ANY(%(numbers)s::integer[]))
    RETURNING point.*, trial.number
), last AS (
    SELECT number FROM trials WHERE study_id = %(study_id)s ORDER BY number DESC NULLS LAST LIMIT 1
), placed AS (
    SELECT retired.*, row_number() OVER (ORDER BY retired.number) AS place FROM retired
), trial AS (
    INSERT INTO trials (study_id, number, state)
    SELECT %(study_id)s, last.number + place, 'WAITING' FROM placed, last ORDER BY place
    RETURNING trial_id, number
), renewed AS (
    SELECT trial.trial_id AS new_id, trial.number AS new_number, placed.*
    FROM trial CROSS JOIN last JOIN placed ON trial.number = last.number + placed.place
), param AS (
    INSERT INTO trial_params (trial_id, param_name, param_value, distribution_json)
    SELECT new_id, param_name, param_value, distribution_json
    FROM renewed JOIN trial_params AS old ON old.trial_id = renewed.trial_id
), point AS (
    INSERT INTO studyhall_points (trial_id, study_id, hash, config, seed, role, round, retry_of, digest)
    SELECT new_id, study_id, hash, config, seed, role, round, trial_id, digest FROM renewed
), sum AS (
    UPDATE studyhall_studies SET planned = planned + new.points, plan = plan + new.shares
    FROM (
        SELECT count(*)::integer AS points,
            sum(('x' || left(encode(sha256(convert_to(new_number || ' ' || digest, 'UTF8')), 'hex'), 15))::bit(60)::bigint) AS shares
        FROM renewed
    ) AS new
    WHERE study_id = %(study_id)s AND new.points > 0
)
SELECT trial_id, number AS old, new_number AS new, pg_notify('studyhall_' || study_id, 'planned') FROM renewed ORDER BY number
