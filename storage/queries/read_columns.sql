-- A table's columns in their order, without ids that the table gives out itself.
SELECT attname AS name
FROM pg_attribute
WHERE attrelid = %(table)s::regclass AND attnum > 0 AND NOT attisdropped
  AND pg_get_serial_sequence(%(table)s, attname) IS NULL
ORDER BY attnum
