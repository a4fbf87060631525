//! Flags about the recording of what the system under test tells of itself.

use crate::receive::ReceiveSpec;
use crate::run::{EXPORTER_VARIABLES, TelemetrySpec};

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
}
