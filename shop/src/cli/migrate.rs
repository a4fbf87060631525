//! `migrate`: schema versions of the configured databases, forwards and back, and database monitoring.

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context as _, bail};

use crate::backends::BackendArgs;
use crate::secret::Secret;
use crate::store::embedded::Database;
use crate::store::schema::Schema;

mod monitoring;

use monitoring::MonitoringArgs;

/// Looks after the schema of PostgreSQL, where DATABASE_URL names one, or of the embedded databases.
#[derive(Debug, clap::Args)]
pub(super) struct MigrateArgs {
    #[command(subcommand)]
    command: Command,
    /// The shop's data folder, for embedded databases; no shop may run on it
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        default_value = "shop-data",
        env = "SHOP_DATA"
    )]
    data: PathBuf,
    #[command(flatten)]
    backends: BackendArgs,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Applies what is pending; a shop does the same when it starts
    Up(Move),
    /// Takes back the newest migration, with the data that it holds
    Down(Move),
    /// Lists versions, names, when they were applied, and what is pending
    Status,
    /// Sets up the account, schema and function of Datadog's database monitoring in PostgreSQL
    Monitoring(MonitoringArgs),
}

#[derive(Debug, clap::Args)]
struct Move {
    /// Which database
    #[arg(long, default_value = "shop")]
    database: Database,
    /// The version to go to; 0 is an empty database
    #[arg(long, value_name = "VERSION")]
    to: Option<u32>,
}

impl MigrateArgs {
    /// Does what the command says and writes to `out`.
    pub(super) async fn run(self, out: &mut impl Write) -> anyhow::Result<()> {
        match &self.command {
            Command::Up(step) => self.up(step, out).await,
            Command::Down(step) => self.down(step, out).await,
            Command::Status => self.status(out).await,
            Command::Monitoring(args) => {
                let url = self.database_url()?.context(
                    "database monitoring is for PostgreSQL; set DATABASE_URL to its address",
                )?;
                args.run(&url, out).await
            }
        }
    }

    fn schema(&self, database: Database) -> anyhow::Result<Schema> {
        Schema::of(database, &self.data, self.database_url()?.as_ref())
    }

    fn database_url(&self) -> anyhow::Result<Option<Secret>> {
        Ok(self.backends.backends()?.database_url)
    }

    async fn up(&self, step: &Move, out: &mut impl Write) -> anyhow::Result<()> {
        let schema = self.schema(step.database)?;
        let now = version(&schema).await?;
        if let Some(to) = step.to.filter(|to| *to < now) {
            bail!(
                "{} is at version {now}; to go back to {to} use `migrate down --to {to}`",
                schema.name()
            );
        }
        go(&schema, step.to, out).await
    }

    async fn down(&self, step: &Move, out: &mut impl Write) -> anyhow::Result<()> {
        let schema = self.schema(step.database)?;
        let now = version(&schema).await?;
        let to = step.to.unwrap_or(now.saturating_sub(1));
        if to > now {
            bail!(
                "{} is at version {now}; to go forwards to {to} use `migrate up --to {to}`",
                schema.name()
            );
        }
        go(&schema, Some(to), out).await
    }

    async fn status(&self, out: &mut impl Write) -> anyhow::Result<()> {
        tell(&self.schema(Database::Shop)?, out).await?;
        // There are no embedded sessions where Redis keeps them.
        if let Ok(sessions) = self.schema(Database::Sessions) {
            tell(&sessions, out).await?;
        }
        Ok(())
    }
}

async fn version(schema: &Schema) -> anyhow::Result<u32> {
    Ok(schema
        .applied()
        .await?
        .last()
        .map_or(0, |applied| applied.version))
}

async fn go(schema: &Schema, to: Option<u32>, out: &mut impl Write) -> anyhow::Result<()> {
    let version = schema.go_to(to).await?;
    Ok(writeln!(out, "{} is at version {version}", schema.name())?)
}

async fn tell(schema: &Schema, out: &mut impl Write) -> anyhow::Result<()> {
    let applied = schema.applied().await?;
    writeln!(out, "{}", schema.name())?;
    for migration in &applied {
        writeln!(
            out,
            "  {:>3}  {}  {}",
            migration.version, migration.applied_at, migration.name
        )?;
    }
    let newest = applied.last().map_or(0, |applied| applied.version);
    for migration in schema
        .known()
        .iter()
        .filter(|migration| migration.version > newest)
    {
        writeln!(
            out,
            "  {:>3}  {:<19}  {}",
            migration.version, "pending", migration.name
        )?;
    }
    Ok(())
}
