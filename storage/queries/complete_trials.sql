-- Trials of a study whose numbers begin with some digits, for the shell's completion.
SELECT trial.number, trial.state::text AS state
FROM trials AS trial JOIN studies AS study USING (study_id)
WHERE study.study_name = %(name)s AND trial.number::text LIKE %(digits)s || '%%'
  AND (%(state)s::text IS NULL OR trial.state::text = %(state)s::text)
ORDER BY trial.number LIMIT %(most)s
