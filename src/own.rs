//! The generator looks at itself: CPU time, memory, limits.

use std::time::Duration;

/// CPU time of this process, all threads, user and system.
pub fn cpu_time() -> Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(
        u64::try_from(now.tv_sec).unwrap_or(0),
        u32::try_from(now.tv_nsec).unwrap_or(0),
    )
}

/// Random bytes of the system, for what nobody may guess and nobody wants again.
///
/// # Errors
/// When the system gives none.
pub fn random_bytes<const COUNT: usize>() -> std::io::Result<[u8; COUNT]> {
    use std::io::Read as _;
    let mut bytes = [0; COUNT];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// Resident memory of this process in bytes; 0 where the system does not tell.
pub fn memory_bytes() -> u64 {
    memory_bytes_of("self")
}

/// Resident memory of a process (`self` or a process id) in bytes; 0 where the system does not tell.
pub fn memory_bytes_of(process: &str) -> u64 {
    let statm = std::fs::read_to_string(format!("/proc/{process}/statm")).unwrap_or_default();
    let pages: u64 = statm
        .split_whitespace()
        .nth(1)
        .and_then(|pages| pages.parse().ok())
        .unwrap_or(0);
    pages * rustix::param::page_size() as u64
}

/// Raises the limit of open files to what the system grants this user, and returns it.
pub fn raise_descriptor_limit() -> u64 {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let wanted = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    let granted = if setrlimit(Resource::Nofile, wanted).is_ok() {
        limit.maximum
    } else {
        limit.current
    };
    granted.unwrap_or(u64::MAX)
}

/// Keeps this process and its children to pages of the usual size. Before a huge page can be used the kernel clears all of its
/// two megabytes, which stops a worker for a millisecond and more when a load of small pieces touches it first, and most of
/// it is never used.
pub fn refuse_huge_pages() {
    // Where there are none, there is nothing to refuse.
    #[cfg(target_os = "linux")]
    let _ = rustix::thread::disable_transparent_huge_pages(true);
}

/// Cores that this process may use.
pub fn cores() -> u32 {
    std::thread::available_parallelism()
        .map_or(1, |cores| u32::try_from(cores.get()).unwrap_or(u32::MAX))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #[test]
    fn huge_pages_are_refused() {
        super::refuse_huge_pages();
        assert_eq!(
            rustix::thread::transparent_huge_pages_are_disabled().ok(),
            Some(true)
        );
    }
}
