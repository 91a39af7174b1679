-- What trials reported, step by step: the trials of these numbers, or all of a study.
SELECT trial.number, report.attempt, report.step, report.names, report.figures, report.reported_at
FROM studyhall_reports AS report
JOIN studyhall_points AS point USING (trial_id)
JOIN trials AS trial USING (trial_id)
WHERE point.study_id = %(study_id)s AND (%(numbers)s::integer[] IS NULL OR trial.number = ANY(%(numbers)s::integer[]))
ORDER BY trial.number, report.step
