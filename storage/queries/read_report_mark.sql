-- Keys of the figures that the last report added to the dashboard.
SELECT value_json AS value FROM study_system_attributes WHERE study_id = %(study_id)s AND key = 'studyhall:report'
