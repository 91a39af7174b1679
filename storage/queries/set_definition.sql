-- Put a changed definition into force.
UPDATE studyhall_studies
SET definition = %(definition)s, definitions = array_append(array_remove(definitions, %(hash)s), %(hash)s)
WHERE study_id = %(study_id)s
