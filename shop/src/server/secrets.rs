//! Secrets that the shop makes for itself: kept in the data folder, readable by their owner alone.

use std::io::{ErrorKind, Read, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use rand::TryRngCore;
use rand::rngs::OsRng;

use crate::config::{Config, Secret};
use crate::private;

const SECRET_BYTES: usize = 32;
/// How long to wait for another process that is writing the same file.
const WRITE_TIMEOUT: Duration = Duration::from_secs(2);

/// The configured secret, or the one in `file`, or a new one left there.
pub(super) fn load_or_make(
    config: &Config,
    configured: Option<&Secret>,
    file: &str,
) -> anyhow::Result<Secret> {
    if let Some(secret) = configured {
        return Ok(secret.clone());
    }
    let path = config.data_dir.join(file);
    match make(&path) {
        Ok(secret) => Ok(secret),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => read(&path),
        Err(error) => {
            Err(error).with_context(|| format!("cannot write the secret file {}", path.display()))
        }
    }
}

fn make(path: &Path) -> std::io::Result<Secret> {
    let mut file = private::options().write(true).create_new(true).open(path)?;
    let mut bytes = [0; SECRET_BYTES];
    OsRng
        .try_fill_bytes(&mut bytes)
        .map_err(std::io::Error::other)?;
    let text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    Ok(Secret::new(text))
}

/// Another process may have made the file a moment ago and not filled it yet.
fn read(path: &Path) -> anyhow::Result<Secret> {
    let deadline = Instant::now() + WRITE_TIMEOUT;
    loop {
        let mut text = String::new();
        std::fs::File::open(path)
            .and_then(|mut file| file.read_to_string(&mut text))
            .with_context(|| format!("cannot read the secret file {}", path.display()))?;
        if text.trim().len() >= SECRET_BYTES * 2 {
            return Ok(Secret::new(text.trim()));
        }
        anyhow::ensure!(
            Instant::now() < deadline,
            "the secret file {} is damaged; remove it to have a new one made",
            path.display()
        );
        std::thread::sleep(Duration::from_millis(10));
    }
}
