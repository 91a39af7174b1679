-- How far a study of settings is, and the setting with the best mean among those whose first seeds have all completed.
-- Means are scaled by a power of two, as in samplers/searches/noise.py: avg() refuses scores above 1e154.
SELECT count.done, count.planned, best.setting, best.mean
FROM (
    SELECT count(*) FILTER (WHERE trial.state NOT IN ('WAITING', 'RUNNING')) AS done, count(*) AS planned
    FROM studyhall_points AS point JOIN trials AS trial USING (trial_id)
    WHERE point.study_id = %(study_id)s AND NOT point.retired
) AS count
LEFT JOIN LATERAL (
    SELECT point.role->>'setting' AS setting, sum(metric.value / 2::float8 ^ 64) / count(*) * 2::float8 ^ 64 AS mean
    FROM studyhall_points AS point JOIN trials AS trial USING (trial_id) JOIN studyhall_metrics AS metric USING (trial_id)
    WHERE point.study_id = %(study_id)s AND NOT point.retired AND trial.state = 'COMPLETE' AND metric.name = %(score)s
    GROUP BY point.role->>'setting' HAVING count(*) >= %(seeds)s
    ORDER BY sum(metric.value / 2::float8 ^ 64) / count(*) * %(sign)s LIMIT 1
) AS best ON true
