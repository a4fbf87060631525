//! Secrets: those that the shop makes for itself, kept in the data folder and readable by their owner alone.

use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context as _, ensure};
use rand::TryRngCore;
use rand::rngs::OsRng;

use super::data_folder::{lock, write_whole};
use crate::config::Config;
use crate::secret::Secret;

const SECRET_BYTES: usize = 32;

/// The configured secret, or the one in `file`, or a new one left there.
pub(super) fn load_or_make(
    config: &Config,
    configured: Option<&Secret>,
    file: &str,
) -> anyhow::Result<Secret> {
    if let Some(secret) = configured {
        return Ok(secret.clone());
    }
    // Several processes may start on one folder at once and must end up with the same secret.
    let _locked = lock(&config.data_dir)?;
    let path = config.data_dir.join(file);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return make(&config.data_dir, file);
        }
        Err(error) => {
            return Err(error)
                .with_context(|| format!("cannot read the secret file {}", path.display()));
        }
    };
    kept(&path, text.trim())?.map_or_else(|| make(&config.data_dir, file), Ok)
}

/// The secret that a file holds; none in an empty one, which a full disk leaves behind and nothing was signed with.
fn kept(path: &Path, text: &str) -> anyhow::Result<Option<Secret>> {
    if text.is_empty() {
        tracing::warn!(file = %path.display(), "the secret file is empty; a new secret is made");
        return Ok(None);
    }
    ensure!(
        text.len() >= SECRET_BYTES * 2,
        "the secret file {} is damaged: it holds {} characters instead of {}; bring it back from a backup, or remove it to \
         have a new secret made, after which everybody has to log in again",
        path.display(),
        text.len(),
        SECRET_BYTES * 2,
    );
    Ok(Some(Secret::new(text)))
}

fn make(folder: &Path, file: &str) -> anyhow::Result<Secret> {
    let cannot = || {
        format!(
            "cannot write the secret file {}",
            folder.join(file).display()
        )
    };
    let mut bytes = [0; SECRET_BYTES];
    OsRng.try_fill_bytes(&mut bytes).with_context(cannot)?;
    let text = telemetry::text::hex(bytes);
    write_whole(folder, file, &text).with_context(cannot)?;
    Ok(Secret::new(text))
}
