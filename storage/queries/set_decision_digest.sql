-- A decision's digest as `storage upgrade` computed it.
UPDATE studyhall_decisions SET origin = %(origin)s, digest = %(digest)s
WHERE study_id = %(study_id)s AND number = %(number)s
