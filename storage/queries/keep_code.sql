-- A version of the user's code, kept once for each study.
INSERT INTO studyhall_codes (study_id, version, details) VALUES (%(study_id)s, %(version)s, %(details)s)
ON CONFLICT DO NOTHING
