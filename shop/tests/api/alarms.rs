//! Lines of the log that ring somebody: what a client alone does must leave none.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use tracing::Level;
use tracing::field::{Field, Visit};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt as _};

/// The lines of level WARN and ERROR, as they come.
#[derive(Clone, Default)]
pub(crate) struct Alarms(Arc<Mutex<Vec<String>>>);

impl Alarms {
    /// Watches this thread, which runs everything in a test that is not told otherwise.
    pub(crate) fn start() -> (Self, tracing::subscriber::DefaultGuard) {
        let alarms = Alarms::default();
        let subscriber = tracing_subscriber::registry().with(alarms.clone());
        (alarms, tracing::subscriber::set_default(subscriber))
    }

    /// Fails when there was such a line.
    #[track_caller]
    pub(crate) fn expect_none(&self) {
        let lines = self.0.lock().unwrap();
        assert!(lines.is_empty(), "{lines:#?}");
    }
}

impl<S: tracing::Subscriber> Layer<S> for Alarms {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        let level = *event.metadata().level();
        if level <= Level::WARN {
            let mut line = Line(format!("{level} {}:", event.metadata().target()));
            event.record(&mut line);
            self.0.lock().unwrap().push(line.0);
        }
    }
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let _ = write!(self.0, " {}={value:?}", field.name());
    }
}
