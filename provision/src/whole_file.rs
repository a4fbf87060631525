//! Atomic writes of files: whoever reads one finds the old content or the new one, never half of it, also after a full disk.
//!
//! Must not know what the files hold. They are for people and their version control, not for their owner alone.

use std::fs::{self, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use tempfile::NamedTempFile;

/// Makes a file or replaces it, by writing beside its place and moving. An old file keeps its mode, and a link to it stays a
/// link. What is no file (a terminal, a pipe) is written as it is.
///
/// # Errors
///
/// When the folder cannot be written to, or the disk is full; the old file is there then, and nothing beside it.
pub(crate) fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    // The file that a link points to, not the link.
    let target = fs::canonicalize(path);
    let path = target.as_deref().unwrap_or(path);
    let there = fs::metadata(path).ok();
    if there.as_ref().is_some_and(|there| !there.is_file()) {
        return fs::write(path, content);
    }
    let folder = path.parent().filter(|folder| *folder != Path::new(""));
    let mut beside = beside(folder.unwrap_or(Path::new(".")))?;
    beside.write_all(content)?;
    if let Some(there) = there {
        beside.as_file().set_permissions(there.permissions())?;
    }
    beside.as_file().sync_all()?;
    beside.persist(path).map(drop).map_err(|error| error.error)
}

/// A file in this folder that goes away unless it is kept, with the mode that new files have.
fn beside(folder: &Path) -> io::Result<NamedTempFile> {
    // Less what the umask takes away.
    let mode = Permissions::from_mode(0o666);
    tempfile::Builder::new()
        .permissions(mode)
        .tempfile_in(folder)
}
