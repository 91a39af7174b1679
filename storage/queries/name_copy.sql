-- Optuna's row of a copy. No row: a study has that name.
INSERT INTO studies (study_name) VALUES (%(name)s) ON CONFLICT DO NOTHING RETURNING study_id
