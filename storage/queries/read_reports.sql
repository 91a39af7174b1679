-- What a trial reported, step by step.
SELECT trial.number, report.attempt, report.step, report.names, report.figures, report.reported_at
FROM studyhall_reports AS report JOIN trials AS trial USING (trial_id)
WHERE report.trial_id = %(trial_id)s ORDER BY report.step
