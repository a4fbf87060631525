//! Histograms in a run's record: whole, in HdrHistogram's V2 encoding and base64, with a few quantiles for readers without
//! a library.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hdrhistogram::serialization::{Deserializer, Serializer, V2Serializer};
use serde::{Deserialize, Serialize};

use crate::measure::LatencyHistogram;

/// The quantiles that summaries show.
pub const QUANTILES: [(&str, f64); 6] = [
    ("p50", 0.5),
    ("p90", 0.9),
    ("p95", 0.95),
    ("p99", 0.99),
    ("p99_9", 0.999),
    ("max", 1.0),
];

/// A histogram with its summary for readers without an HdrHistogram library.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct TimesRecord {
    /// Readings.
    pub count: u64,
    /// Quantiles in milliseconds.
    #[serde(flatten)]
    pub quantiles_ms: BTreeMap<String, f64>,
    /// The histogram, microseconds.
    pub hdr: Blob,
}

impl TimesRecord {
    /// Whether there are no readings.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Records a histogram.
    pub fn of(times: &LatencyHistogram) -> Self {
        let quantiles_ms = QUANTILES
            .iter()
            .filter_map(|(name, q)| Some(((*name).to_owned(), millis(times.quantile(*q)?))))
            .collect();
        Self {
            count: times.count(),
            quantiles_ms,
            hdr: Blob::of(times),
        }
    }
}

fn millis(time: Duration) -> f64 {
    time.as_micros() as f64 / 1e3
}

/// An HdrHistogram in V2 encoding, base64; empty for a histogram without readings.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Blob(pub String);

impl Blob {
    /// Whether there are no readings.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Encodes a histogram.
    pub fn of(times: &LatencyHistogram) -> Self {
        let mut bytes = Vec::new();
        if times.count() == 0
            || V2Serializer::new()
                .serialize(times.histogram(), &mut bytes)
                .is_err()
        {
            return Self::default();
        }
        Self(BASE64.encode(bytes))
    }

    /// Decodes it.
    ///
    /// # Errors
    /// When the text is no base64 or no V2 histogram.
    pub fn times(&self) -> Result<LatencyHistogram, String> {
        if self.0.is_empty() {
            return Ok(LatencyHistogram::default());
        }
        let bytes = BASE64
            .decode(&self.0)
            .map_err(|e| format!("a histogram is not base64: {e}"))?;
        let histogram = Deserializer::new()
            .deserialize(&mut bytes.as_slice())
            .map_err(|e| format!("a histogram cannot be decoded: {e}"))?;
        Ok(LatencyHistogram::from_histogram(histogram))
    }
}
