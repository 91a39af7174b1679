-- What a study has achieved, and when anything last happened. The best score is the best mean of a setting whose planned
-- seeds all have one; of a growth, that of the last choice among its decisions in force, else that of the start. The mean
-- is computed as in read_leading.sql. OFFSET 0: once, not wherever it is named, once a row. Not plain: which results count, or
-- what is best of them, only the search knows.
SELECT last.active_at, extract(epoch FROM clock_timestamp() - last.active_at)::float8 AS idle, score.metric, score.objective,
    CASE WHEN ours.search = 'grow' THEN (
        SELECT (place.measured ->> 'score')::float8
        FROM studyhall_decisions AS made CROSS JOIN LATERAL (
            SELECT made.record -> 'baseline' AS measured, false AS chosen
            UNION ALL
            SELECT each, true FROM json_array_elements(made.record -> 'candidates') AS each
            WHERE (each ->> 'chosen')::boolean
        ) AS place
        WHERE made.study_id = ours.study_id AND place.measured ->> 'score' IS NOT NULL AND NOT EXISTS (
            SELECT FROM studyhall_decisions AS mark WHERE mark.study_id = made.study_id AND mark.number > made.number
                AND mark.kind IN ('retried', 'redone', 'dropped') AND (mark.record ->> 'back_to')::integer <= made.number
        )
        ORDER BY place.chosen DESC, CASE WHEN place.chosen THEN -made.number ELSE made.number END LIMIT 1
    ) ELSE (SELECT CASE score.direction WHEN 'maximize' THEN max(setting.mean) ELSE min(setting.mean) END FROM (
        SELECT avg(CASE WHEN abs(metric.value) < 1e100 THEN metric.value ELSE 0 END)
            + sum(CASE WHEN abs(metric.value) < 1e100 THEN 0 ELSE metric.value / 2::float8 ^ 64 END) / count(*)
            * 2::float8 ^ 64 AS mean
        FROM studyhall_points AS point JOIN trials AS trial USING (trial_id)
        LEFT JOIN studyhall_metrics AS metric ON metric.trial_id = point.trial_id AND metric.name = score.metric
            AND metric.value NOT IN ('NaN', 'Infinity', '-Infinity')
        WHERE point.study_id = ours.study_id AND NOT point.retired
        GROUP BY md5(point.config::text)
        HAVING bool_and(trial.state = 'COMPLETE' AND metric.value IS NOT NULL)
    ) AS setting) END AS best,
    NOT (ours.search = 'depth' OR (ours.search = 'tune' AND (json_typeof(ours.origin -> 'score') = 'array'
            OR ours.origin -> 'tune' ->> 'constraints' IS NOT NULL))
        OR (ours.search IN ('fit', 'grid', 'tune') AND EXISTS (
            SELECT FROM studyhall_decisions AS made WHERE made.study_id = ours.study_id AND made.kind = 'override'))) AS plain
FROM studyhall_studies AS ours
CROSS JOIN LATERAL (
    SELECT greatest(ours.created_at,
        (SELECT max(greatest(attempt.started_at, attempt.ended_at)) FROM studyhall_attempts AS attempt
         JOIN studyhall_points AS point USING (trial_id) WHERE point.study_id = ours.study_id),
        (SELECT max(decided_at) FROM studyhall_decisions AS made WHERE made.study_id = ours.study_id)) AS active_at
    OFFSET 0
) AS last
CROSS JOIN LATERAL (
    SELECT CASE json_typeof(origin -> 'score') WHEN 'array' THEN origin -> 'score' -> 0 ELSE origin -> 'score' END AS given
) AS first
CROSS JOIN LATERAL (
    SELECT first.given ->> 'metric' AS metric, first.given ->> 'direction' AS direction, ours.origin ->> 'objective' AS objective
    OFFSET 0
) AS score
WHERE ours.study_id = %(study_id)s
