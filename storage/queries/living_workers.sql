-- How many workers of any study are alive: their lock is held.
SELECT count(*) AS workers FROM pg_locks
WHERE locktype = 'advisory' AND classid = %(space)s::oid AND objsubid = 2
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
