-- Optuna's own lock on a study: trials are numbered, and decisions made, by its holder alone.
SELECT study_id FROM studies WHERE study_id = %(study_id)s FOR UPDATE
