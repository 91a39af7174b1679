-- Optuna's rows of a new study and Studyhall's, in one statement. The loser of a race gets no row.
WITH study AS (
    INSERT INTO studies (study_name) VALUES (%(name)s) ON CONFLICT DO NOTHING RETURNING study_id
), direction AS (
    INSERT INTO study_directions (direction, study_id, objective)
    SELECT given.direction::studydirection, study_id, given.place - 1
    FROM study, unnest(%(directions)s::text[]) WITH ORDINALITY AS given (direction, place)
), metric AS (
    INSERT INTO study_system_attributes (study_id, key, value_json)
    SELECT study_id, 'study:metric_names', %(metric_names)s FROM study
), mark AS (
    INSERT INTO study_user_attributes (study_id, key, value_json)
    SELECT study_id, 'studyhall', json_build_object('study', %(name)s::text, 'key', %(key)s::text)::text FROM study
), ours AS (
    INSERT INTO studyhall_studies (study_id, key, folder, search, origin, definition, definitions, fingerprint, code, metrics, digest)
    SELECT study_id, %(key)s, %(name)s, %(search)s, %(origin)s, %(definition)s, ARRAY[%(hash)s], %(fingerprint)s, %(code)s,
        %(metrics)s, %(digest)s
    FROM study
)
SELECT study_id FROM study
