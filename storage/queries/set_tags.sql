-- Set tags of a study, which other Optuna programs see as user attributes `tag:KEY`, and remove others.
WITH gone AS (
    DELETE FROM study_user_attributes WHERE study_id = %(study_id)s AND key = ANY(%(gone)s)
)
INSERT INTO study_user_attributes (study_id, key, value_json)
SELECT %(study_id)s, wanted.key, wanted.value
FROM json_to_recordset(%(tags)s::json) AS wanted (key text, value text)
ON CONFLICT (study_id, key) DO UPDATE SET value_json = excluded.value_json
