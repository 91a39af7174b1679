-- The trials of a study by id, with their states: what has changed since is told from that.
SELECT trial_id, state::text AS state FROM trials WHERE study_id = %(study_id)s ORDER BY trial_id
