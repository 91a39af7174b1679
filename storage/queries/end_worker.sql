-- A worker has left.
UPDATE studyhall_workers SET ended_at = clock_timestamp() WHERE worker_id = %(worker_id)s
