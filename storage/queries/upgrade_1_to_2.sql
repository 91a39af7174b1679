-- Add to the tables of version 0.3 the kinds of failures and outcomes, which only their texts held.
ALTER TABLE studyhall_points ADD COLUMN failure text CHECK (failure IN ('refused', 'withdrawn', 'failed'));
UPDATE studyhall_points AS point
SET failure = CASE WHEN point.reason LIKE 'withdrawn%%' THEN 'withdrawn' WHEN point.attempt = 0 THEN 'refused' ELSE 'failed' END
FROM trials AS trial WHERE trial.trial_id = point.trial_id AND trial.state = 'FAIL';
ALTER TABLE studyhall_studies
    ADD COLUMN outcome_kind text CHECK (outcome_kind IN ('answered', 'stalled', 'steps', 'failed', 'alike'));
UPDATE studyhall_studies
SET outcome_kind = CASE
    WHEN failed THEN 'failed'
    WHEN search = 'grow' AND outcome LIKE '%% steps are done' THEN 'steps'
    WHEN search = 'grow' THEN 'stalled'
    ELSE 'answered' END
WHERE outcome IS NOT NULL;
UPDATE studyhall_studies
SET outcome = regexp_replace(outcome, '; 1 trials failed$', '; 1 trial failed') WHERE outcome LIKE '%%; 1 trials failed';
UPDATE studyhall_version SET version = 2;
