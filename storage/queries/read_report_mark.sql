-- Which figures the last report put beside the workers' own in the browser.
SELECT value_json AS value FROM study_system_attributes WHERE study_id = %(study_id)s AND key = 'studyhall:report'
