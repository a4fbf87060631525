//! Where the log goes besides standard output.

use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::Context as _;
use telemetry::log::WithFile;

/// A log that is kept.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct LogFileArgs {
    /// Write the log to this file too, at most 64 MiB and as much again in FILE.1
    #[arg(long, value_name = "FILE", env = "SHOP_LOG_FILE")]
    log_file: Option<PathBuf>,
}

impl LogFileArgs {
    /// What the log is written to.
    pub(super) fn out(&self) -> anyhow::Result<Box<dyn Write + Send>> {
        let Some(path) = &self.log_file else {
            return Ok(Box::new(io::stdout()));
        };
        let out = WithFile::open(io::stdout(), path).with_context(|| {
            format!(
                "`--log-file` cannot be used: {} cannot be written; choose another file",
                path.display()
            )
        })?;
        Ok(Box::new(out))
    }
}
