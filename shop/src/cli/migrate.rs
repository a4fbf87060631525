//! `migrate`: schema versions of the embedded databases, forwards and back.

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context as _, bail};

use crate::store::embedded::{Database, migrate_file};

/// Brings an embedded database to a schema version, for example before running an older program.
#[derive(Debug, clap::Args)]
pub(super) struct MigrateArgs {
    /// The shop's data folder; no shop may run on it
    #[arg(
        long,
        value_name = "DIR",
        default_value = "shop-data",
        env = "SHOP_DATA"
    )]
    data: PathBuf,
    /// Which database
    database: Database,
    /// The version to go to; 0 removes every table and all data [default: the newest]
    #[arg(long, value_name = "VERSION")]
    to: Option<u32>,
}

impl MigrateArgs {
    /// Does what the command says and writes to `out`.
    pub(super) fn run(self, out: &mut impl Write) -> anyhow::Result<()> {
        let path = self.data.join(self.database.file());
        if !path.exists() {
            bail!(
                "{} does not exist; name the shop's data folder with `--data`",
                path.display()
            );
        }
        let version = migrate_file(&path, self.database, self.to)
            .with_context(|| format!("cannot migrate {}", path.display()))?;
        Ok(writeln!(out, "{} is at version {version}", path.display())?)
    }
}
