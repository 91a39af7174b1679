-- Set the given limits, shared by all workers; the others stay. The study no longer drains, even if another program
-- asked it to stop.
WITH heeded AS (
    DELETE FROM study_user_attributes WHERE study_id = %(study_id)s AND key = 'stop'
)
UPDATE studyhall_studies
SET steps = coalesce(%(steps)s, steps),
    max_trials = coalesce(%(max_trials)s, max_trials),
    deadline = coalesce(clock_timestamp() + %(seconds)s * interval '1 second',
                        CASE WHEN deadline > clock_timestamp() THEN deadline END),
    draining = false
WHERE study_id = %(study_id)s
