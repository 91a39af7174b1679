-- Whether any study, ours or stock Optuna's, has this name.
SELECT study_id FROM studies WHERE study_name = %(name)s
