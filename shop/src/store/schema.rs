//! Schema versions of whatever databases are configured, for the `migrate` command.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use super::embedded;
#[cfg(feature = "postgres")]
use super::postgres;
use crate::blocking::off_thread;
use crate::db::Migration;
use crate::db::migration::Applied;
use crate::secret::Secret;
use crate::store::embedded::Database;

/// One database with a schema of the shop's.
pub(crate) enum Schema {
    /// A file of the embedded stores.
    File(Database, PathBuf),
    /// PostgreSQL, at its URL.
    #[cfg(feature = "postgres")]
    Postgres(Secret),
}

impl Schema {
    /// The schema of one database: PostgreSQL when its URL is known, else a file in the data folder.
    pub(crate) fn of(
        database: Database,
        folder: &Path,
        url: Option<&Secret>,
    ) -> anyhow::Result<Self> {
        if let (Database::Shop, Some(url)) = (database, url) {
            return Self::of_postgres(url);
        }
        let path = folder.join(database.file());
        if !path.exists() {
            bail!(
                "{} does not exist; name the shop's data folder with `--data`, or PostgreSQL with DATABASE_URL",
                path.display()
            );
        }
        Ok(Schema::File(database, path))
    }

    #[cfg(feature = "postgres")]
    fn of_postgres(url: &Secret) -> anyhow::Result<Self> {
        Ok(Schema::Postgres(url.clone()))
    }

    #[cfg(not(feature = "postgres"))]
    fn of_postgres(_: &Secret) -> anyhow::Result<Self> {
        Err(crate::build::lacks("PostgreSQL"))
    }

    /// What it is called.
    pub(crate) fn name(&self) -> String {
        match self {
            Schema::File(_, path) => path.display().to_string(),
            #[cfg(feature = "postgres")]
            Schema::Postgres(url) => postgres::name_of(url),
        }
    }

    /// The migrations that this program has for it.
    pub(crate) fn known(&self) -> &'static [Migration] {
        match self {
            Schema::File(database, _) => database.migrations(),
            #[cfg(feature = "postgres")]
            Schema::Postgres(_) => postgres::MIGRATIONS,
        }
    }

    /// The migrations that it has.
    pub(crate) async fn applied(&self) -> anyhow::Result<Vec<Applied>> {
        match self {
            Schema::File(_, path) => {
                let path = path.clone();
                Ok(off_thread(move || crate::db::migration::applied_in(&path)).await??)
            }
            #[cfg(feature = "postgres")]
            Schema::Postgres(url) => postgres::applied(url).await,
        }
    }

    /// Brings it to a version (the newest when `None`), forwards or back; returns the version.
    pub(crate) async fn go_to(&self, version: Option<u32>) -> anyhow::Result<u32> {
        match self {
            Schema::File(database, path) => {
                let (database, path) = (*database, path.clone());
                let context = format!("cannot migrate {}", path.display());
                off_thread(move || embedded::migrate_file(&path, database, version))
                    .await?
                    .context(context)
            }
            #[cfg(feature = "postgres")]
            Schema::Postgres(url) => postgres::go_to(url, version).await,
        }
    }
}
