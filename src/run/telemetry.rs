//! The telemetry of a run: what receives and records it, and how the embedded shop hears where to send it.

use std::collections::BTreeMap;

use alerting::evaluate::series::{PointValue, SeriesSource as _};
use telemetry::catalogue::Metric;

use crate::receive::{ReceiveSpec, Receivers};
use crate::recording::reader::Recording;
use crate::recording::recorder::{Feed, Recorder, RecordingSummary, now_ms};
use crate::recording::shop_log;

use super::spec::RunSpec;

/// What is recorded of a run besides its own figures.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TelemetrySpec {
    /// Where telemetry is received. Without it, the embedded shop's is, at free ports.
    pub receive: Option<ReceiveSpec>,
    /// Nothing is received and nothing recorded.
    pub off: bool,
    /// The variable of the environment that tells the embedded shop to send its telemetry to somebody else.
    pub sent_elsewhere: Option<&'static str>,
}

/// The variables that say where a program's telemetry goes.
pub const EXPORTER_VARIABLES: [&str; 4] = [
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "DD_AGENT_HOST",
    "DD_DOGSTATSD_URL",
];

/// The reason under which the report counts what was dropped before it was sent.
const BY_SENDERS: &str = "senders";

/// What receives and records.
#[derive(Default)]
pub(super) struct RunTelemetry {
    // Dropped before the recorder, so that it gets what they still have.
    receivers: Receivers,
    recorder: Option<Recorder>,
}

impl RunTelemetry {
    /// Listens and records, as far as that is asked for.
    ///
    /// # Errors
    /// When the recording cannot be made, or nothing can listen where it should.
    pub(super) fn start(spec: &RunSpec) -> anyhow::Result<Self> {
        let wanted = &spec.telemetry;
        let is_embedded = spec.scenario.target.is_none();
        if wanted.off || wanted.receive.is_none() && !is_embedded {
            return Ok(Self::default());
        }
        let redactor = spec.scenario.secrets.redactor.clone();
        let recorder = Recorder::start(spec.folder.path(), spec.scenario.seed, redactor)?;
        let receive = match (&wanted.receive, wanted.sent_elsewhere) {
            (Some(receive), _) => receive.clone(),
            (None, None) => ReceiveSpec::free_ports(),
            (None, Some(variable)) => {
                tracing::info!(
                    "{variable} is set: the shop's telemetry goes there, and only the generator's own metrics are recorded"
                );
                ReceiveSpec::default()
            }
        };
        if receive.is_open() {
            tracing::warn!(
                "telemetry is received from other machines, too: whoever reaches the port can write into the recording"
            );
        }
        let receivers = Receivers::start(&receive, &recorder.feed())?;
        let told = Self {
            receivers,
            recorder: Some(recorder),
        };
        told.tell();
        Ok(told)
    }

    fn tell(&self) {
        if let Some(otlp) = &self.receivers.otlp {
            tracing::info!(url = otlp.url(), "OTLP is received");
        }
        if let Some(dogstatsd) = &self.receivers.dogstatsd {
            tracing::info!(url = dogstatsd.url(), "DogStatsD is received");
        }
    }

    /// What the embedded shop's environment gets.
    pub(super) fn environment(&self) -> BTreeMap<&'static str, String> {
        let mut variables = BTreeMap::new();
        if let Some(otlp) = &self.receivers.otlp {
            variables.insert("OTEL_EXPORTER_OTLP_ENDPOINT", otlp.url());
            variables.insert("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf".to_owned());
        }
        if let Some(dogstatsd) = &self.receivers.dogstatsd {
            variables.insert("DD_DOGSTATSD_URL", dogstatsd.url());
        }
        variables
    }

    /// Where the run's own metrics go.
    pub(super) fn feed(&self) -> Option<Feed> {
        self.recorder.as_ref().map(Recorder::feed)
    }

    /// Notes that the load begins.
    pub(super) fn load_begins(&self) {
        if let Some(recorder) = &self.recorder {
            recorder.note("load_started_ms", &now_ms().to_string());
        }
    }

    /// Takes in what is still on its way and closes the recording; once the target has stopped.
    pub(super) fn finish(self, spec: &RunSpec) -> Option<RecordingSummary> {
        drop(self.receivers);
        let recorder = self.recorder?;
        shop_log::feed_problems(&spec.folder.file(shop_log::FILE), &recorder.feed());
        let mut summary = recorder.finish();
        let lost = dropped_by_senders(spec).unwrap_or_else(|error| {
            tracing::warn!("what the senders dropped is not known: {error:#}");
            0
        });
        if lost > 0 {
            summary.dropped.insert(BY_SENDERS.to_owned(), lost);
        }
        Some(summary)
    }
}

/// What the exporters of the system under test say that they dropped, as the recording has it: what never came is missing there,
/// too.
fn dropped_by_senders(spec: &RunSpec) -> anyhow::Result<u64> {
    let recording = Recording::open(spec.folder.path())?;
    let series = recording.series(Metric::ExportsDropped.name())?;
    let points = series.iter().flat_map(|series| &series.points);
    let dropped = points.map(|(_, value)| match value {
        PointValue::Number(value) => *value,
        PointValue::Sketch(_) => 0.0,
    });
    Ok(dropped.sum::<f64>().round() as u64)
}
