-- Points that wait and run, and those that the next decision waits for. A worker reads it after finishing a trial.
SELECT
    count(*) FILTER (WHERE trial.state = 'WAITING') AS waiting,
    count(*) FILTER (WHERE trial.state = 'RUNNING') AS running,
    count(*) FILTER (WHERE point.round =
        (SELECT coalesce(max(number) + 1, 0) FROM studyhall_decisions WHERE study_id = %(study_id)s)) AS current
FROM trials AS trial JOIN studyhall_points AS point USING (trial_id)
WHERE trial.study_id = %(study_id)s AND trial.state IN ('WAITING', 'RUNNING')
