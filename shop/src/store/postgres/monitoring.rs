//! Database monitoring: the account `datadog`, its schema and its function, as the Datadog Agent wants them.
//!
//! Apart from the other migrations, since it needs an account that may make accounts (a superuser, or
//! `rds_superuser`), and a password. The function runs with the rights of the shop's tables' owner.

use anyhow::{Context as _, bail};
use sqlx::postgres::PgConnection;
use sqlx::{Connection as _, Executor as _};

use super::{MIGRATION_LOCK, Sql, address, code_of, scram};
use crate::secret::Secret;

/// `object_not_in_prerequisite_state`: the library of `pg_stat_statements` is not loaded.
const NOT_LOADED: &str = "55000";
/// Shortest password: the account can read every table.
const PASSWORD_CHARS_MIN: usize = 8;

/// The account, without its password.
const ACCOUNT: &str = "
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'datadog') THEN
        CREATE ROLE datadog LOGIN;
    END IF;
END $$;
GRANT pg_monitor TO datadog;
CREATE SCHEMA IF NOT EXISTS datadog;
GRANT USAGE ON SCHEMA datadog TO datadog;
GRANT USAGE ON SCHEMA public TO datadog;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO datadog;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO datadog;";

/// A cursor takes one statement and runs none of it; the fixed path keeps strangers' functions out.
const FUNCTION: &str = "
CREATE OR REPLACE FUNCTION datadog.explain_statement(l_query TEXT, OUT explain JSON) RETURNS SETOF JSON
LANGUAGE plpgsql RETURNS NULL ON NULL INPUT SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    curs REFCURSOR;
    plan JSON;
BEGIN
    OPEN curs FOR EXECUTE pg_catalog.concat('EXPLAIN (FORMAT JSON) ', l_query);
    FETCH curs INTO plan;
    CLOSE curs;
    RETURN QUERY SELECT plan;
END $$;
REVOKE ALL ON FUNCTION datadog.explain_statement(TEXT) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION datadog.explain_statement(TEXT) TO datadog;";

/// Explaining evaluates constant functions with the rights of the function's owner, so the account must not be
/// able to make functions of its own: the one place left for them is the schema of temporary things.
const NO_OWN_FUNCTIONS: &str = "
DO $$ BEGIN
    EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
END $$;";

/// The tables' owner may be another account than the one that sets this up: its future tables are readable
/// as well, and the function has its rights instead of a superuser's.
const OWNER: &str = "
DO $$ DECLARE owner NAME;
BEGIN
    SELECT tableowner INTO owner FROM pg_tables WHERE schemaname = 'public' AND tablename = 'orders';
    IF owner IS NOT NULL AND owner <> current_user THEN
        EXECUTE format('ALTER DEFAULT PRIVILEGES FOR ROLE %I IN SCHEMA public GRANT SELECT ON TABLES TO datadog', owner);
        EXECUTE format('GRANT USAGE, CREATE ON SCHEMA datadog TO %I', owner);
        EXECUTE format('ALTER FUNCTION datadog.explain_statement(TEXT) OWNER TO %I', owner);
        EXECUTE format('REVOKE CREATE ON SCHEMA datadog FROM %I', owner);
    END IF;
END $$;";

const STATEMENTS: &str = "
DO $$ BEGIN
    IF EXISTS (SELECT FROM pg_available_extensions WHERE name = 'pg_stat_statements') THEN
        CREATE EXTENSION IF NOT EXISTS pg_stat_statements;
    END IF;
END $$;";

/// `DROP OWNED` takes back what the account was granted in this database, default privileges included.
const REMOVE: &str = "
DO $$ BEGIN
    EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO PUBLIC', current_database());
END $$;
DROP FUNCTION IF EXISTS datadog.explain_statement(TEXT);
DO $$ BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'datadog') THEN
        DROP OWNED BY datadog;
    END IF;
END $$;
DROP SCHEMA IF EXISTS datadog;
DROP ROLE IF EXISTS datadog;";

/// Whether statements are being counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Statements {
    /// `pg_stat_statements` answers.
    Counted,
    /// The extension is there, but the server does not load its library.
    NotLoaded,
    /// The server does not have the extension.
    NotInstalled,
}

/// Makes or mends everything that monitoring needs, and tells whether statements are counted.
pub(crate) async fn set_up(url: &Secret, password: &Secret) -> anyhow::Result<Statements> {
    let password = password.expose();
    if password.chars().count() < PASSWORD_CHARS_MIN
        || !password.chars().all(|c| c.is_ascii_graphic())
    {
        bail!(
            "DD_DBM_PASSWORD must have at least {PASSWORD_CHARS_MIN} printable ASCII characters and no blanks"
        );
    }
    let verifier = scram::verifier(password)?;
    let mut connection = address::connect(url).await?;
    let done = try_set_up(&mut connection, &verifier).await;
    done.context(
        "cannot set up monitoring; DATABASE_URL must name an account that may make accounts, such as `postgres`",
    )?;
    let statements = statements(&mut connection).await?;
    connection.close().await?;
    Ok(statements)
}

async fn try_set_up(connection: &mut PgConnection, verifier: &str) -> Sql<()> {
    let mut tx = connection.begin().await?;
    lock(&mut tx).await?;
    tx.execute(sqlx::raw_sql(ACCOUNT)).await?;
    // The verifier is base64 with separators: nothing in it ends the text.
    let set_password = format!("ALTER ROLE datadog LOGIN PASSWORD '{verifier}'");
    tx.execute(sqlx::raw_sql(&set_password)).await?;
    for part in [FUNCTION, OWNER, NO_OWN_FUNCTIONS, STATEMENTS] {
        tx.execute(sqlx::raw_sql(part)).await?;
    }
    tx.commit().await
}

/// Removes what [`set_up`] made. `pg_stat_statements` stays: others may use it.
pub(crate) async fn remove(url: &Secret) -> anyhow::Result<()> {
    let mut connection = address::connect(url).await?;
    try_remove(&mut connection).await.context(
        "cannot remove monitoring; DATABASE_URL must name an account that may remove accounts, and no other \
         database of the server may grant anything to `datadog`",
    )?;
    Ok(connection.close().await?)
}

async fn try_remove(connection: &mut PgConnection) -> Sql<()> {
    let mut tx = connection.begin().await?;
    lock(&mut tx).await?;
    tx.execute(sqlx::raw_sql(REMOVE)).await?;
    tx.commit().await
}

/// One at a time, with migrations.
async fn lock(tx: &mut PgConnection) -> Sql<()> {
    sqlx::query("SELECT pg_advisory_xact_lock($1)")
        .bind(MIGRATION_LOCK)
        .execute(tx)
        .await?;
    Ok(())
}

async fn statements(connection: &mut PgConnection) -> Sql<Statements> {
    let sql = "SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_stat_statements')";
    let installed: bool = sqlx::query_scalar(sql).fetch_one(&mut *connection).await?;
    if !installed {
        return Ok(Statements::NotInstalled);
    }
    match connection
        .execute("SELECT FROM pg_stat_statements LIMIT 1")
        .await
    {
        Ok(_) => Ok(Statements::Counted),
        Err(error) if code_of(&error).as_deref() == Some(NOT_LOADED) => Ok(Statements::NotLoaded),
        Err(error) => Err(error),
    }
}
