-- Whether the current round still has points to wait for: read by whoever just finished one, after its commit.
SELECT
    count(*) FILTER (WHERE trial.state = 'WAITING') AS waiting,
    count(*) FILTER (WHERE trial.state = 'RUNNING') AS running,
    count(*) FILTER (WHERE point.round =
        (SELECT coalesce(max(number) + 1, 0) FROM studyhall_decisions WHERE study_id = %(study_id)s)) AS current
FROM trials AS trial JOIN studyhall_points AS point USING (trial_id)
WHERE trial.study_id = %(study_id)s AND trial.state IN ('WAITING', 'RUNNING')
