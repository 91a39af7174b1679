-- Set the given limits, shared by all workers; the others stay. The study no longer drains, even if another program
-- asked it to stop. A failure is no outcome to one that keeps going: its worker says how it stands.
WITH heeded AS (
    DELETE FROM study_user_attributes WHERE study_id = %(study_id)s AND key = 'stop'
)
UPDATE studyhall_studies
SET steps = coalesce(%(steps)s, steps),
    max_trials = coalesce(%(max_trials)s, max_trials),
    deadline = coalesce(clock_timestamp() + %(seconds)s * interval '1 second',
                        CASE WHEN deadline > clock_timestamp() THEN deadline END),
    keep_going = keep_going OR %(keep_going)s,
    outcome = CASE WHEN failed AND %(keep_going)s THEN NULL ELSE outcome END,
    outcome_kind = CASE WHEN failed AND %(keep_going)s THEN NULL ELSE outcome_kind END,
    failed = failed AND NOT %(keep_going)s,
    draining = false
WHERE study_id = %(study_id)s
