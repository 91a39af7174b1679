-- What a trial reported, step by step.
SELECT step, attempt, names, figures, reported_at FROM studyhall_reports WHERE trial_id = %(trial_id)s ORDER BY step
