-- The one role that comes in over the network: it has the rights that the tables need, and none on the server.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'studyhall_network') THEN
        CREATE ROLE studyhall_network;
    END IF;
END
$$;
ALTER ROLE studyhall_network LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION PASSWORD %(verifier)s;
GRANT USAGE, CREATE ON SCHEMA public TO studyhall_network;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO studyhall_network;
GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO studyhall_network;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO studyhall_network;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON SEQUENCES TO studyhall_network;
