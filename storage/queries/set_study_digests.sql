-- A study's digests as `storage upgrade` computed them.
UPDATE studyhall_studies
SET digest = %(digest)s, head = %(head)s, planned = %(planned)s, plan = %(plan)s::numeric, upgraded = %(upgraded)s
WHERE study_id = %(study_id)s
