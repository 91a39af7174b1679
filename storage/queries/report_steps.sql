-- Write a batch of a trial's reports; none if another attempt holds the trial.
WITH fence AS (
    SELECT trial.trial_id
    FROM trials AS trial JOIN studyhall_points AS point USING (trial_id)
    WHERE trial.trial_id = %(trial_id)s AND trial.state = 'RUNNING' AND point.attempt = %(attempt)s
    FOR SHARE OF trial
), given AS (
    SELECT fence.trial_id, report.*
    FROM fence, json_to_recordset(%(reports)s::json) AS report (step integer, names text[], figures float8[], shown float8)
), shown AS (
    INSERT INTO trial_intermediate_values (trial_id, step, intermediate_value, intermediate_value_type)
    SELECT trial_id, step,
        CASE WHEN shown IN ('NaN', 'Infinity', '-Infinity') THEN NULL ELSE shown END,
        (CASE shown WHEN 'NaN' THEN 'NAN' WHEN 'Infinity' THEN 'INF_POS' WHEN '-Infinity' THEN 'INF_NEG'
         ELSE 'FINITE' END)::trialintermediatevaluetype
    FROM given WHERE shown IS NOT NULL
    ON CONFLICT (trial_id, step) DO UPDATE SET intermediate_value = excluded.intermediate_value,
        intermediate_value_type = excluded.intermediate_value_type
)
INSERT INTO studyhall_reports (trial_id, step, attempt, names, figures)
SELECT trial_id, step, %(attempt)s, names, figures FROM given
ON CONFLICT (trial_id, step) DO UPDATE
SET attempt = excluded.attempt, names = excluded.names, figures = excluded.figures, reported_at = clock_timestamp()
RETURNING step
