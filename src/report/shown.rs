//! The record as it may be shown. Every text in it goes through here, also those that later versions add: before it is
//! written, and when it is read, for it was perhaps written by another program.

use super::RunReport;
use crate::redact::Redactor;

/// Histograms are no text.
const HISTOGRAM: &str = "hdr";

impl RunReport {
    /// The same record without secrets, and without what steers a terminal.
    ///
    /// # Errors
    /// When a figure is not finite.
    pub fn shown(mut self, redactor: &Redactor) -> serde_json::Result<Self> {
        // They hold figures alone, and there may be many.
        let windows = std::mem::take(&mut self.windows);
        let value = redactor.show_json(serde_json::to_value(&self)?, HISTOGRAM);
        Ok(Self {
            windows,
            ..serde_json::from_value(value)?
        })
    }
}
