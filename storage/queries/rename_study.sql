-- Give a study another name, in Optuna's row and in the mark. No row: a study has that name. The caller holds the study's row.
WITH renamed AS (
    UPDATE studies SET study_name = %(name)s
    WHERE study_id = %(study_id)s AND NOT EXISTS (SELECT FROM studies WHERE study_name = %(name)s)
    RETURNING study_id
)
INSERT INTO study_user_attributes (study_id, key, value_json)
SELECT study_id, 'studyhall', json_build_object('study', %(name)s::text, 'key', key)::text
FROM renamed JOIN studyhall_studies USING (study_id)
ON CONFLICT (study_id, key) DO UPDATE SET value_json = excluded.value_json
RETURNING study_id
