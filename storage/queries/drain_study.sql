-- Tell every worker of a study to finish what runs and leave, wherever it is.
WITH told AS (
    UPDATE studyhall_studies SET draining = true WHERE study_id = %(study_id)s RETURNING study_id
)
SELECT pg_notify('studyhall_' || study_id, 'draining') FROM told
