//! Second-level windows of a run: what was done in each second, with its histograms.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::times::Blob;
use crate::measure::StepStats;
use crate::scenario::StepNameId;
use crate::verdict::thresholds::WindowFigures;

/// One second-level window; steps belong to the window in which they were done.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct WindowRecord {
    /// End since the run began, milliseconds.
    pub at_ms: u64,
    /// Length, milliseconds.
    pub length_ms: u64,
    /// Journeys a second planned.
    pub planned_rate: f64,
    /// Journeys a second begun.
    pub achieved_rate: f64,
    /// Shoppers at its end.
    pub shoppers: u32,
    /// Open connections at its end.
    pub connections: u32,
    /// CPU cores used by the generator.
    pub cpu: f64,
    /// The generator's lateness.
    pub start_lag: Blob,
    /// By index into [`crate::scenario::Scenario::figures`].
    pub figures: BTreeMap<u16, WindowStep>,
}

impl WindowRecord {
    /// The window's figures, decoded.
    ///
    /// # Errors
    /// When a histogram cannot be decoded.
    pub fn figures(&self) -> Result<WindowFigures, String> {
        let decode = |(index, step): (&u16, &WindowStep)| {
            let cell = StepStats {
                response: step.response.times()?,
                service: step.service_time.times()?,
                failure: step.failure_time.times()?,
                ok: step.ok,
                outcomes: step.outcomes,
                failed: step.errors,
                ..StepStats::default()
            };
            Ok((StepNameId(*index), cell))
        };
        Ok(WindowFigures {
            at: Duration::from_millis(self.at_ms),
            length: Duration::from_millis(self.length_ms),
            figures: self
                .figures
                .iter()
                .map(decode)
                .collect::<Result<_, String>>()?,
            start_lag: self.start_lag.times()?,
        })
    }
}

/// One step in one window.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct WindowStep {
    /// Ended well.
    pub ok: u64,
    /// Ended in a foreseen way.
    pub outcomes: u64,
    /// Failed, time-outs among them.
    pub errors: u64,
    /// Done − intended, of all but failed steps.
    pub response: Blob,
    /// Done − sent, of the same steps.
    pub service_time: Blob,
    /// Done − intended of failed steps.
    #[serde(default, skip_serializing_if = "Blob::is_empty")]
    pub failure_time: Blob,
}
