-- The trials of a study by id with their states, to see which have changed.
SELECT trial_id, state::text AS state FROM trials WHERE study_id = %(study_id)s ORDER BY trial_id
