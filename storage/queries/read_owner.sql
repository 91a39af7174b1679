-- The user that made the tables.
SELECT pg_get_userbyid(relowner) AS owner FROM pg_class WHERE oid = 'studies'::regclass
