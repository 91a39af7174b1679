-- Digests of points and of accepted attempts, as `storage upgrade` computed them.
WITH point AS (
    UPDATE studyhall_points AS point SET digest = given.digest
    FROM unnest(%(trials)s::integer[], %(digests)s::text[]) AS given (trial_id, digest)
    WHERE point.trial_id = given.trial_id
)
UPDATE studyhall_attempts AS attempt SET digest = given.digest
FROM unnest(%(accepted)s::integer[], %(results)s::text[]) AS given (trial_id, digest)
WHERE attempt.trial_id = given.trial_id AND attempt.accepted
