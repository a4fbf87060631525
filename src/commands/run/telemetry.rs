//! Flags about the recording of what the system under test tells of itself.

use crate::receive::ReceiveSpec;
use crate::run::{EXPORTER_VARIABLES, TelemetrySpec};
use crate::scenario::Scenario;

/// Flags about the recording.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct TelemetryArgs {
    /// Receive and record what the system under test tells of itself: otlp=4318,dogstatsd=8125, or one of them. A port is one of
    /// this machine; also ADDRESS:PORT, and dogstatsd=unix:/path [default: free ports, with the embedded shop]
    #[arg(long, value_name = "PROTOCOL=PORT,…")]
    receive: Option<ReceiveSpec>,

    /// Record nothing of what the system under test tells of itself
    #[arg(long, conflicts_with = "receive")]
    no_recording: bool,
}

impl TelemetryArgs {
    /// What they ask for.
    pub(super) fn spec(&self) -> TelemetrySpec {
        let is_set = |name: &&str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        TelemetrySpec {
            receive: self.receive.clone(),
            off: self.no_recording,
            sent_elsewhere: EXPORTER_VARIABLES.into_iter().find(is_set),
        }
    }
    /// Why a threshold of the scenario could never be judged: what it is judged on will not be recorded.
    pub(super) fn refusal(&self, scenario: &Scenario) -> Option<String> {
        let threshold = scenario.asks_for_recording()?;
        let spec = self.spec();
        let why = match (&spec.receive, spec.sent_elsewhere) {
            (Some(_), _) => return None,
            _ if spec.off => "leave out --no-recording".to_owned(),
            _ if scenario.target.is_some() => {
                "add --receive otlp=4318,dogstatsd=8125, and let the target send there".to_owned()
            }
            (None, Some(variable)) => format!(
                "{variable} sends the shop's telemetry elsewhere; unset it, or add --receive dogstatsd=8125"
            ),
            (None, None) => return None,
        };
        let threshold = scenario.secrets.redactor.show_line(threshold);
        Some(format!(
            "error: the threshold `{threshold}` is judged on a recording, and nothing of the system would be recorded: {why}"
        ))
    }
}
