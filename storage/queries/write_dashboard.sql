-- Write a study's note and figures in one statement, so that no reader sees half of a note. Equal values stay untouched.
WITH gone AS (
    DELETE FROM study_system_attributes WHERE study_id = %(study_id)s AND key = ANY(%(gone)s)
)
INSERT INTO study_system_attributes AS kept (study_id, key, value_json)
SELECT %(study_id)s, wanted.key, wanted.value
FROM json_to_recordset(%(attributes)s::json) AS wanted (key text, value text)
ON CONFLICT (study_id, key) DO UPDATE SET value_json = excluded.value_json
WHERE kept.value_json IS DISTINCT FROM excluded.value_json
