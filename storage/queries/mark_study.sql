-- A study's mark, which other Optuna programs copy with it.
INSERT INTO study_user_attributes (study_id, key, value_json)
SELECT study_id, 'studyhall', json_build_object('study', study_name, 'key', key)::text
FROM studies JOIN studyhall_studies USING (study_id) WHERE study_id = %(study_id)s
