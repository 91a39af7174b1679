-- How far a study of settings is, and the setting with the best mean among those whose first seeds have all completed.
SELECT count.done, count.planned, best.setting, best.mean
FROM (
    SELECT count(*) FILTER (WHERE trial.state NOT IN ('WAITING', 'RUNNING')) AS done, count(*) AS planned
    FROM studyhall_points AS point JOIN trials AS trial USING (trial_id)
    WHERE point.study_id = %(study_id)s AND NOT point.retired
) AS count
LEFT JOIN LATERAL (
    SELECT point.role->>'setting' AS setting, avg(metric.value) AS mean
    FROM studyhall_points AS point JOIN trials AS trial USING (trial_id) JOIN studyhall_metrics AS metric USING (trial_id)
    WHERE point.study_id = %(study_id)s AND NOT point.retired AND trial.state = 'COMPLETE' AND metric.name = %(score)s
    GROUP BY point.role->>'setting' HAVING count(*) >= %(seeds)s
    ORDER BY avg(metric.value) * %(sign)s LIMIT 1
) AS best ON true
