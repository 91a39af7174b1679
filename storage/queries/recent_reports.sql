-- At most so many reports of each running trial's attempt, the latest first.
SELECT trial.number, report.attempt, report.step, report.names, report.figures, report.reported_at
FROM trials AS trial
JOIN studyhall_points AS point USING (trial_id)
CROSS JOIN LATERAL (
    SELECT attempt, step, names, figures, reported_at FROM studyhall_reports AS last
    WHERE last.trial_id = trial.trial_id AND last.attempt = point.attempt ORDER BY step DESC LIMIT %(most)s
) AS report
WHERE trial.study_id = %(study_id)s AND trial.state = 'RUNNING'
ORDER BY trial.number, report.step DESC
