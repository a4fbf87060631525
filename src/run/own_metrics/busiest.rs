//! How busy the busiest worker thread is, by the operating system's own account of threads.

use std::collections::HashMap;
use std::fs;
use std::time::Duration;

/// How the names of worker threads begin.
const WORKER: &str = "worker-";

/// CPU time of the workers at the last look.
#[derive(Debug, Default)]
pub(super) struct Busiest(HashMap<String, Duration>);

impl Busiest {
    /// The share of a tick's length that the busiest worker was on a CPU, 0…1; `None` where the system does not tell.
    pub(super) fn share_of(&mut self, length: Duration) -> Option<f64> {
        let now = workers();
        let used = now.iter().filter_map(|(thread, total)| {
            let before = self.0.get(thread).copied().unwrap_or_default();
            Some(total.saturating_sub(before)).filter(|_| !length.is_zero())
        });
        let most = used.max();
        self.0 = now;
        most.map(|most| (most.as_secs_f64() / length.as_secs_f64()).min(1.0))
    }
}

fn workers() -> HashMap<String, Duration> {
    let threads = fs::read_dir("/proc/self/task").into_iter().flatten();
    threads
        .filter_map(|thread| {
            let folder = thread.ok()?.path();
            let name = fs::read_to_string(folder.join("comm")).ok()?;
            if !name.starts_with(WORKER) {
                return None;
            }
            // Nanoseconds on a CPU, nanoseconds of waiting for one, time slices.
            let account = fs::read_to_string(folder.join("schedstat")).ok()?;
            let nanos = account.split_whitespace().next()?.parse().ok()?;
            Some((name, Duration::from_nanos(nanos)))
        })
        .collect()
}
