//! File descriptors: how many this process may have, and what that leaves for connections.

use std::io;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::limits::CONNECTIONS_MAX;

/// Fewer connections than this make no sense, whatever the limit says.
const CONNECTIONS_MIN: usize = 64;

/// Raises the soft limit to the hard one; returns the limit in force. A system that refuses leaves it as it was.
pub(crate) fn raise_limit() -> Option<u64> {
    let limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        let raised = Rlimit {
            current: limit.maximum,
            maximum: limit.maximum,
        };
        // Some systems refuse more than a limit of their own; then the soft limit stays.
        let _ = setrlimit(Resource::Nofile, raised);
    }
    getrlimit(Resource::Nofile).current
}

/// Connections for strangers: six tenths of the descriptors. A request that is worked on takes two or three more.
pub(crate) fn public_connections_max() -> usize {
    share(6)
}

/// Connections between services.
pub(crate) fn private_connections_max() -> usize {
    share(3)
}

fn share(tenths: u64) -> usize {
    let limit = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    usize::try_from(limit / 10 * tenths)
        .unwrap_or(usize::MAX)
        .clamp(CONNECTIONS_MIN, CONNECTIONS_MAX)
}

/// Whether accepting failed for want of descriptors or memory, which trying again at once does not mend.
pub(super) fn is_exhaustion(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let exhausted = [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM];
    error
        .raw_os_error()
        .is_some_and(|code| exhausted.iter().any(|errno| errno.raw_os_error() == code))
}
