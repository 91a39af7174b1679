-- Store as an attribute of a study that a scheduler was asked for workers, with the time. Once a job.
INSERT INTO study_user_attributes (study_id, key, value_json)
VALUES (%(study_id)s, %(key)s,
        (%(value)s::jsonb || jsonb_build_object('launched_at', to_char(clock_timestamp(), 'YYYY-MM-DD HH24:MI:SSOF')))::text)
ON CONFLICT (study_id, key) DO UPDATE SET value_json = EXCLUDED.value_json
