-- Ask every worker of a study, on any host, to finish its running trials and leave.
WITH drained AS (
    UPDATE studyhall_studies SET draining = true WHERE study_id = %(study_id)s RETURNING study_id
)
SELECT pg_notify('studyhall_' || study_id, 'draining') FROM drained
