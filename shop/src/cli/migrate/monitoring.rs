//! `migrate monitoring`: database monitoring in PostgreSQL.

use std::io::Write;

#[cfg(feature = "postgres")]
use anyhow::Context as _;

use crate::secret::Secret;
#[cfg(feature = "postgres")]
use crate::store::postgres::monitoring::{self, Statements};

#[derive(clap::Args)]
pub(super) struct MonitoringArgs {
    /// Take everything away again, the account included
    #[arg(long)]
    remove: bool,
    /// Password of the account `datadog`
    #[arg(long, hide = true, env = "DD_DBM_PASSWORD", hide_env_values = true)]
    dbm_password: Option<String>,
}

impl std::fmt::Debug for MonitoringArgs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MonitoringArgs(…)")
    }
}

#[cfg(feature = "postgres")]
impl MonitoringArgs {
    /// Sets it up, or takes it away, in the PostgreSQL at `url`.
    pub(super) async fn run(&self, url: &Secret, out: &mut impl Write) -> anyhow::Result<()> {
        if self.remove {
            monitoring::remove(url).await?;
            return Ok(writeln!(
                out,
                "the account `datadog` and all that belonged to it are gone"
            )?);
        }
        let password = Secret::given(self.dbm_password.as_deref())
            .context("set DD_DBM_PASSWORD to the password that the account `datadog` shall have")?;
        let statements = monitoring::set_up(url, &password).await?;
        writeln!(out, "the account `datadog` can monitor the database")?;
        Ok(writeln!(out, "{}", advice(statements))?)
    }
}

#[cfg(not(feature = "postgres"))]
impl MonitoringArgs {
    #[allow(
        clippy::unused_async,
        reason = "the same shape as where there is PostgreSQL"
    )]
    pub(super) async fn run(&self, _: &Secret, _: &mut impl Write) -> anyhow::Result<()> {
        let MonitoringArgs {
            remove: _,
            dbm_password: _,
        } = self;
        Err(crate::build::lacks("PostgreSQL"))
    }
}

#[cfg(feature = "postgres")]
fn advice(statements: Statements) -> &'static str {
    match statements {
        Statements::Counted => "pg_stat_statements counts statements",
        Statements::NotLoaded => {
            "pg_stat_statements is NOT loaded: add it to `shared_preload_libraries` and restart PostgreSQL"
        }
        Statements::NotInstalled => {
            "pg_stat_statements is NOT installed: install PostgreSQL's contrib package, add it to \
             `shared_preload_libraries`, restart PostgreSQL and run this command again"
        }
    }
}
