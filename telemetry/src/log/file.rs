//! A log that goes to a file as well: bounded by size, for its owner alone, and never a reason to lose what goes elsewhere.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Largest log file. What comes then begins a new one; the one before is kept under the name with `.1` at its end, and no
/// older one.
pub const LOG_FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Writes to a file what it writes to `first`.
///
/// Each write has whole lines, as the log's writer makes them. While the file cannot be written its lines are left out.
#[derive(Debug)]
pub struct WithFile<W> {
    first: W,
    path: PathBuf,
    file: File,
    bytes: u64,
    bytes_max: u64,
}

impl<W: Write> WithFile<W> {
    /// Opens the file and goes on at its end.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn open(first: W, path: &Path) -> io::Result<Self> {
        Self::with_limit(first, path, LOG_FILE_BYTES_MAX)
    }

    fn with_limit(first: W, path: &Path, bytes_max: u64) -> io::Result<Self> {
        let file = open(path)?;
        Ok(Self {
            first,
            path: path.to_owned(),
            bytes: file.metadata()?.len(),
            file,
            bytes_max,
        })
    }

    fn keep(&mut self, lines: &[u8]) -> io::Result<()> {
        let more = lines.len() as u64;
        if self.bytes > 0 && self.bytes + more > self.bytes_max {
            let mut before = self.path.clone().into_os_string();
            before.push(".1");
            fs::rename(&self.path, before)?;
            self.file = open(&self.path)?;
            self.bytes = 0;
        }
        self.file.write_all(lines)?;
        self.bytes += more;
        Ok(())
    }
}

impl<W: Write> Write for WithFile<W> {
    fn write(&mut self, lines: &[u8]) -> io::Result<usize> {
        self.first.write_all(lines)?;
        // A full disk is no reason to be silent elsewhere.
        let _ = self.keep(lines);
        Ok(lines.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.first.flush()
    }
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_file_makes_room_and_one_is_kept() {
        let folder = std::env::temp_dir().join(format!("log-file-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join("shop.log");
        let mut log = WithFile::with_limit(Vec::new(), &path, 12).unwrap();
        for line in ["first\n", "second\n", "third\n", "fourth\n"] {
            log.write_all(line.as_bytes()).unwrap();
        }
        let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
        let kept = [read("shop.log.1"), read("shop.log")];
        let everything = String::from_utf8(log.first).unwrap();
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!(kept, ["third\n", "fourth\n"]);
        assert_eq!(everything, "first\nsecond\nthird\nfourth\n");
    }
}
