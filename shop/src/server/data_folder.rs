//! The data folder as a whole: one process at a time changes what it consists of, files appear in it complete or not at
//! all, and a store that was there is missed when it is gone.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::Path;

use anyhow::{Context as _, ensure};
use serde::{Deserialize, Serialize};

use super::adapters::{PROVIDER_FILE, QUEUE_FILE};
use crate::config::Config;
use crate::private;
use crate::store::embedded::Database;

/// Which stores the folder has had.
const MANIFEST: &str = "stores.json";

#[derive(Default, Serialize, Deserialize)]
struct Manifest {
    stores: BTreeSet<String>,
}

/// Holds the folder against other processes that start at the same time, until dropped.
pub(super) fn lock(folder: &Path) -> anyhow::Result<File> {
    let shown = folder.display();
    let handle =
        File::open(folder).with_context(|| format!("cannot open the data folder {shown}"))?;
    handle
        .lock()
        .with_context(|| format!("cannot lock the data folder {shown}"))?;
    Ok(handle)
}

/// Puts a file in its place whole: written beside it, flushed, then moved. Readable by its owner alone.
pub(super) fn write_whole(folder: &Path, name: &str, text: &str) -> std::io::Result<()> {
    let beside = folder.join(format!("{name}.{}.new", std::process::id()));
    let written = write_beside(&beside, text)
        .and_then(|()| std::fs::rename(&beside, folder.join(name)))
        .and_then(|()| File::open(folder)?.sync_all());
    if written.is_err() {
        // Half a file is of no use to anybody; when it cannot be removed either, it is in nobody's way.
        drop(std::fs::remove_file(&beside));
    }
    written
}

fn write_beside(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = private::create(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// Refuses a folder from which a store is gone while others are there: a fresh one in its place would not fit them.
pub(super) fn check(config: &Config) -> anyhow::Result<()> {
    let folder = &config.data_dir;
    let known = read(folder);
    let is_there = |name: &String| {
        std::fs::metadata(folder.join(name)).is_ok_and(|metadata| metadata.len() > 0)
    };
    let wanted = stores(config);
    let expected = known.stores.iter().filter(|name| wanted.contains(*name));
    let missing: Vec<&str> = expected
        .filter(|name| !is_there(name))
        .map(String::as_str)
        .collect();
    let present = known.stores.iter().any(is_there);
    ensure!(
        missing.is_empty() || !present,
        "the data folder {} has lost {}, while other stores of the same shop are there (a file is missing or empty); \
         bring back all of them from one backup, or begin anew with an empty folder, or remove {} to go on without \
         what was lost",
        folder.display(),
        missing.join(" and "),
        folder.join(MANIFEST).display(),
    );
    Ok(())
}

/// Remembers the stores that were opened.
pub(super) fn remember(config: &Config) -> anyhow::Result<()> {
    let folder = &config.data_dir;
    let _locked = lock(folder)?;
    let mut manifest = read(folder);
    let before = manifest.stores.len();
    manifest.stores.extend(stores(config));
    if manifest.stores.len() == before {
        return Ok(());
    }
    let text = serde_json::to_string(&manifest)?;
    write_whole(folder, MANIFEST, &text)
        .with_context(|| format!("cannot write {}", folder.join(MANIFEST).display()))
}

fn read(folder: &Path) -> Manifest {
    let path = folder.join(MANIFEST);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Manifest::default(),
        Err(error) => {
            tracing::warn!(%error, file = %path.display(), "the list of stores cannot be read");
            return Manifest::default();
        }
    };
    serde_json::from_str(&text).unwrap_or_else(|error| {
        tracing::warn!(%error, file = %path.display(), "the list of stores is damaged and is made anew");
        Manifest::default()
    })
}

/// The files that a process with this configuration keeps in its data folder.
fn stores(config: &Config) -> BTreeSet<String> {
    let backends = &config.backends;
    let simulates = backends.payment_provider.is_none() || backends.mail_provider.is_none();
    [
        (backends.database_url.is_none(), Database::Shop.file()),
        (backends.redis_url.is_none(), Database::Sessions.file()),
        (!backends.has_queue(), QUEUE_FILE),
        (simulates, PROVIDER_FILE),
    ]
    .into_iter()
    .filter(|(here, _)| *here)
    .map(|(_, file)| file.to_owned())
    .collect()
}
