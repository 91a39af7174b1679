-- Once every row has its digest, none can be without.
ALTER TABLE studyhall_studies ALTER COLUMN digest SET NOT NULL;
ALTER TABLE studyhall_points ALTER COLUMN digest SET NOT NULL;
ALTER TABLE studyhall_decisions ALTER COLUMN origin SET NOT NULL, ALTER COLUMN digest SET NOT NULL;
