//! What the runtime of the process is doing, read now and then.

use std::time::Duration;

use telemetry::catalogue::metric;
use telemetry::metrics::Registry;
use tokio::runtime::Handle;
use tokio::sync::watch;

/// How often it is read.
const EVERY: Duration = Duration::from_secs(1);

/// Shows workers, tasks and their queue in `registry` until told to stop.
pub(super) async fn show(registry: Registry, mut stop: watch::Receiver<bool>) {
    let workers = registry.gauge(metric::RUNTIME_WORKERS, &[]);
    let tasks = registry.gauge(metric::RUNTIME_TASKS, &[]);
    let queue = registry.gauge(metric::RUNTIME_QUEUE_DEPTH, &[]);
    let runtime = Handle::current().metrics();
    loop {
        workers.set(runtime.num_workers() as f64);
        tasks.set(runtime.num_alive_tasks() as f64);
        queue.set(runtime.global_queue_depth() as f64);
        let stopped = stop.wait_for(|stop| *stop);
        if tokio::time::timeout(EVERY, stopped).await.is_ok() {
            return;
        }
    }
}
