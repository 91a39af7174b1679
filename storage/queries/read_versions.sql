-- The server's version, which tables exist, and whether they can be written.
SELECT current_setting('server_version') AS server,
    to_regclass('alembic_version') IS NOT NULL AS has_optuna,
    to_regclass('studyhall_version') IS NOT NULL AS has_ours,
    pg_is_in_recovery() OR current_setting('transaction_read_only') = 'on' AS read_only
