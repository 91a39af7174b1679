-- Studies that carry the mark of one of ours without being ours, and the study that the mark is of, if it is still there.
SELECT study.study_name AS name, mark.value_json AS mark, original.study_name AS original
FROM studies AS study
JOIN study_user_attributes AS mark ON mark.study_id = study.study_id AND mark.key = 'studyhall'
LEFT JOIN (studyhall_studies AS ours JOIN studies AS original USING (study_id)) ON strpos(mark.value_json, ours.key) > 0
WHERE NOT EXISTS (SELECT FROM studyhall_studies AS own WHERE own.study_id = study.study_id)
  AND (%(name)s::text IS NULL OR study.study_name = %(name)s::text)
ORDER BY study.study_id
