-- Optuna's own lock on a study: only its holder numbers trials and makes decisions.
SELECT study_id FROM studies WHERE study_id = %(study_id)s FOR UPDATE
