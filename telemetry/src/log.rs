//! The log: one JSON object a line, never in the way of a request.
//!
//! [`start`] gives the layer, for the subscriber that [`start`](crate::start) composes. Lines carry the service and trace of the [`Context`](crate::Context)
//! they are written in. It must not know what is logged. Fields with the name of a secret are hidden, and in warnings and
//! errors whatever looks like a secret: they quote what they were given.

mod file;
mod line;
mod writer;

use std::io::{self, Write};

use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context as LayerContext;

use crate::identity::Identity;
pub use file::{LOG_FILE_BYTES_MAX, WithFile};
pub use line::FIELD_BYTES_MAX;
pub(crate) use writer::Drops;
use writer::LogQueue;
pub use writer::{FLUSH_WAIT_MAX, LogGuard, LogSummary, QUEUE_BYTES_MAX};

/// Why the log could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The filter is not understood.
    #[error(
        "log filter {filter:?}: {source}; write it like \"info\" or \"info,shop::queue=debug\""
    )]
    Filter {
        /// What was given.
        filter: String,
        /// What is wrong with it.
        source: tracing_subscriber::filter::ParseError,
    },
    /// The writer's thread could not be started.
    #[error("the log writer's thread could not be started: {0}")]
    Thread(#[from] io::Error),
    /// A log exists already.
    #[error("this process has a log already; set it up once")]
    Installed(#[from] tracing_subscriber::util::TryInitError),
}

/// Starts a writer to `out` and gives the layer that feeds it.
pub fn start(
    identity: Identity,
    out: impl Write + Send + 'static,
) -> Result<(JsonLayer, LogGuard), LogError> {
    let notice = identity.clone();
    let (queue, guard) = writer::start(out, move |dropped, to| {
        line::write_dropped(to, &notice, dropped)
    })?;
    Ok((JsonLayer { identity, queue }, guard))
}

/// Turns events into lines.
#[derive(Debug)]
pub struct JsonLayer {
    identity: Identity,
    queue: LogQueue,
}

impl<S: Subscriber> Layer<S> for JsonLayer {
    fn on_event(&self, event: &Event<'_>, _: LayerContext<'_, S>) {
        line::with_event(&self.identity, event, |line| self.queue.push(line));
    }
}

#[cfg(test)]
mod tests;
