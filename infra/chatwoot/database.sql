-- Chatwoot's role, database and extensions on an existing PostgreSQL. Run it as a superuser, or as the administrator of a managed one,
-- with psql 14 or later, and the password in the environment, where no list of processes shows it:
--
--     POSTGRES_PASSWORD=... psql --no-psqlrc --file=database.sql "host=... user=postgres dbname=postgres"
--
-- Other names than the defaults: --set=role=... --set=database=...; the password may come as --set=password=..., too. Running it again
-- changes nothing but the role's password, to the one given.
--
-- The extension vector (pgvector) is not part of PostgreSQL. Where it is missing, this stops before it has made anything. Get it from
-- the server's packages (Debian and Ubuntu: postgresql-16-pgvector, with your version's number), or take a server that has it (the image
-- pgvector/pgvector:pg16). Managed ones have it; Azure wants it allowed first (server parameter azure.extensions).
\set ON_ERROR_STOP on
\set QUIET on
SET client_min_messages = warning;
\if :{?role}
\else
    \set role chatwoot
\endif
\if :{?database}
\else
    \set database chatwoot_production
\endif
\if :{?password}
\else
    \getenv password POSTGRES_PASSWORD
\endif
\if :{?password}
\else
    \set password ''
\endif
-- Statements are not logged where this may be turned off, as some hold the password.
DO $$
DECLARE
    setting text;
BEGIN
    FOREACH setting IN ARRAY ARRAY['log_statement=none', 'log_min_duration_statement=-1', 'pg_stat_statements.track_utility=off'] LOOP
        BEGIN
            PERFORM set_config(split_part(setting, '=', 1), split_part(setting, '=', 2), false);
        EXCEPTION WHEN insufficient_privilege THEN
            NULL;
        END;
    END LOOP;
END $$;

SELECT set_config('chatwoot.database', :'database', false), set_config('chatwoot.role', :'role', false),
       set_config('chatwoot.password_given', (:'password' <> '')::text, false) \g /dev/null

DO $$
DECLARE
    missing text;
    owner text;
BEGIN
    IF NOT current_setting('chatwoot.password_given')::boolean THEN
        RAISE EXCEPTION 'no password for the role' USING HINT = 'Put it into the environment as POSTGRES_PASSWORD.';
    END IF;
    SELECT string_agg(wanted, ', ') INTO missing
      FROM unnest(ARRAY['pg_stat_statements', 'pg_trgm', 'pgcrypto', 'plpgsql', 'vector']) AS wanted
     WHERE wanted NOT IN (SELECT name FROM pg_available_extensions);
    IF missing IS NOT NULL THEN
        RAISE EXCEPTION 'not installed on this server: %', missing
            USING HINT = 'Install the packages (vector: pgvector; the others: postgresql-contrib) and run this again. Nothing was changed.';
    END IF;
    SELECT pg_get_userbyid(datdba) INTO owner FROM pg_database WHERE datname = current_setting('chatwoot.database');
    IF owner <> current_setting('chatwoot.role') THEN
        RAISE EXCEPTION 'the database % is there already and belongs to %', current_setting('chatwoot.database'), owner
            USING HINT = 'Choose another name with --set=database=. Nothing was changed.';
    END IF;
END $$;

SELECT format('CREATE ROLE %I', :'role') WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'role') \gexec
ALTER ROLE :"role" LOGIN PASSWORD :'password';

-- Who is no superuser has to belong to a role to give it a database.
SELECT format('GRANT %I TO CURRENT_USER', :'role') FROM pg_roles WHERE rolname = current_user AND NOT rolsuper \gexec
SELECT format('CREATE DATABASE %I OWNER %I TEMPLATE template0 ENCODING ''UTF8''', :'database', :'role')
 WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'database') \gexec
-- Other roles of this server have no business in it.
REVOKE ALL ON DATABASE :"database" FROM PUBLIC;

\connect :"database"
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_stat_statements;
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE EXTENSION IF NOT EXISTS pgcrypto;
CREATE EXTENSION IF NOT EXISTS plpgsql;
CREATE EXTENSION IF NOT EXISTS vector;
\echo The database :database of the role :role is ready.
