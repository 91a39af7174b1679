-- How many trials of a study no search of ours planned, and the last trial's number, without counting.
SELECT coalesce(last.number + 1, 0) - study.planned AS others, coalesce(last.number, -1) AS last
FROM studyhall_studies AS study LEFT JOIN LATERAL (
    SELECT number FROM trials WHERE trials.study_id = study.study_id ORDER BY number DESC NULLS LAST LIMIT 1
) AS last ON true
WHERE study.study_id = %(study_id)s
