-- A new objective, score, cost or dataset, before the first accepted result: Optuna's rows and Studyhall's. Failed points
-- are retired, so that they can be planned again. The caller holds the study's row, and has withdrawn waiting points.
WITH direction AS (
    INSERT INTO study_directions (direction, study_id, objective)
    SELECT given.direction::studydirection, %(study_id)s, given.place - 1
    FROM unnest(%(directions)s::text[]) WITH ORDINALITY AS given (direction, place)
    ON CONFLICT (study_id, objective) DO UPDATE SET direction = excluded.direction
), surplus AS (
    DELETE FROM study_directions WHERE study_id = %(study_id)s AND objective >= cardinality(%(directions)s::text[])
), metric AS (
    UPDATE study_system_attributes SET value_json = %(metric_names)s
    WHERE study_id = %(study_id)s AND key = 'study:metric_names'
), failed AS (
    UPDATE studyhall_points AS point SET retired = true
    FROM trials AS trial
    WHERE trial.trial_id = point.trial_id AND point.study_id = %(study_id)s AND trial.state = 'FAIL' AND NOT point.retired
)
UPDATE studyhall_studies
SET origin = %(origin)s, fingerprint = %(fingerprint)s, code = %(code)s, metrics = %(metrics)s,
    digest = %(digest)s, outcome = NULL, outcome_kind = NULL, failed = false
WHERE study_id = %(study_id)s
