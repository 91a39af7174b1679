-- How far a study of settings is, and the settings with the best means among those whose first seeds have all completed:
-- as many as take part in a race. Their scores stand by seed.
-- Scores from 1e100 on are scaled by a power of two, as in samplers/searches/noise.py: avg() refuses those above 1e154. The
-- others are not: PostgreSQL refuses a quotient below the smallest float.
SELECT count.done, count.planned, count.running, best.settings AS best
FROM (
    SELECT count(*) FILTER (WHERE trial.state NOT IN ('WAITING', 'RUNNING')) AS done, count(*) AS planned,
        count(*) FILTER (WHERE trial.state = 'RUNNING') AS running
    FROM studyhall_points AS point JOIN trials AS trial USING (trial_id)
    WHERE point.study_id = %(study_id)s AND NOT point.retired
) AS count
CROSS JOIN (
    SELECT json_agg(json_build_object('setting', setting, 'scores', scores) ORDER BY loss) AS settings
    FROM (
        SELECT point.role->>'setting' AS setting, json_object_agg(point.seed, metric.value::text) AS scores,
            %(sign)s * (avg(CASE WHEN abs(metric.value) < 1e100 THEN metric.value ELSE 0 END)
                + sum(CASE WHEN abs(metric.value) < 1e100 THEN 0 ELSE metric.value / 2::float8 ^ 64 END) / count(*)
                * 2::float8 ^ 64) AS loss
        FROM studyhall_points AS point JOIN trials AS trial USING (trial_id)
        JOIN studyhall_metrics AS metric USING (trial_id)
        WHERE point.study_id = %(study_id)s AND NOT point.retired AND trial.state = 'COMPLETE'
            AND metric.name = %(score)s AND point.role->>'setting' IS NOT NULL
        GROUP BY point.role->>'setting' HAVING count(*) >= %(seeds)s
        ORDER BY loss LIMIT 8
    ) AS ranked
) AS best
