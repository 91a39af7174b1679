-- A study's own digests and sums, beside what Optuna says of its direction and metric.
SELECT ours.key, ours.digest, ours.head, ours.planned, ours.plan::text AS plan, ours.upgraded, ours.copy_of,
    ARRAY(SELECT direction::text FROM study_directions AS kept WHERE kept.study_id = ours.study_id ORDER BY objective)
        AS directions,
    (SELECT value_json FROM study_system_attributes AS kept
     WHERE kept.study_id = ours.study_id AND key = 'study:metric_names') AS metric_names
FROM studyhall_studies AS ours WHERE ours.study_id = %(study_id)s
