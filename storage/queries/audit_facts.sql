-- Facts that only the database knows: missing trial numbers, and RUNNING trials whose lock is free.
SELECT
    ARRAY(SELECT number FROM generate_series(0, (SELECT max(number) FROM trials WHERE study_id = %(study_id)s)) AS number
          EXCEPT SELECT number FROM trials WHERE study_id = %(study_id)s ORDER BY 1) AS missing,
    ARRAY(SELECT number FROM trials WHERE study_id = %(study_id)s AND state = 'RUNNING' AND NOT EXISTS (
              SELECT FROM pg_locks WHERE locktype = 'advisory' AND classid = %(space)s::oid AND objid = trial_id::oid
                AND objsubid = 2 AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))
          ORDER BY 1) AS orphans
