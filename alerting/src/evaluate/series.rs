//! Recorded series as a back end stores them: points that stand for an interval each. Must not know queries.

use std::collections::BTreeMap;
use std::fmt;

use thiserror::Error;

use super::sketch::Sketch;

/// Length of an interval in which an Agent sums up what it is told, in seconds.
pub const INTERVAL_S: u32 = 10;

/// One metric with one set of tags, as recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct RawSeries {
    /// The metric.
    pub metric: String,
    /// What its points mean.
    pub kind: SeriesKind,
    /// Unit of its values as the sender names it; empty where it is not known.
    pub unit: String,
    /// Length of the interval that a point stands for, in seconds; usually [`INTERVAL_S`].
    pub interval_s: u32,
    /// Tags as `key:value` or bare words, sorted, none twice.
    pub tags: Vec<String>,
    /// Points by rising time: UNIX seconds of the interval's start, none twice.
    pub points: Vec<(i64, PointValue)>,
}

/// What one interval came to.
#[derive(Debug, Clone, PartialEq)]
pub enum PointValue {
    /// Of all kinds but [`SeriesKind::Distribution`].
    Number(f64),
    /// Of a distribution: all values of the interval.
    Sketch(Sketch),
}

/// What the points of a series mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SeriesKind {
    /// How much was added within the interval.
    Count,
    /// How much was added within the interval, a second.
    Rate,
    /// The last value of the interval.
    Gauge,
    /// How many distinct values the interval had; evaluated like a gauge.
    Set,
    /// All values of the interval.
    Distribution,
}

impl SeriesKind {
    /// Every kind.
    pub const ALL: [Self; 5] = [
        Self::Count,
        Self::Rate,
        Self::Gauge,
        Self::Set,
        Self::Distribution,
    ];

    /// As it is written: `count`, `rate`, `gauge`, `set`, `distribution`.
    pub fn text(self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::Rate => "rate",
            Self::Gauge => "gauge",
            Self::Set => "set",
            Self::Distribution => "distribution",
        }
    }

    /// Reads [`text`](Self::text).
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.text() == text)
    }

    /// Whether `as_count()` and `as_rate()` mean something for it.
    pub fn is_counted(self) -> bool {
        matches!(self, Self::Count | Self::Rate)
    }
}

impl fmt::Display for SeriesKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

/// A recorded metric, without its points.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetricInfo {
    /// The metric.
    pub metric: String,
    /// What its points mean. A metric that was sent in several kinds is listed once for each.
    pub kind: SeriesKind,
    /// Unit of its values; empty where it is not known.
    pub unit: String,
    /// How many series there are.
    pub series: u64,
    /// The keys of its tags, sorted.
    pub tag_keys: Vec<String>,
}

/// Why recorded series could not be read: what, and the remedy.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct SourceError(pub String);

/// Gives recorded series.
pub trait SeriesSource {
    /// All series of a metric with all their points; empty if it never had data.
    ///
    /// # Errors
    /// When the recording cannot be read.
    fn series(&self, metric: &str) -> Result<Vec<RawSeries>, SourceError>;

    /// Every recorded metric, sorted by name and kind.
    ///
    /// # Errors
    /// When the recording cannot be read.
    fn metrics(&self) -> Result<Vec<MetricInfo>, SourceError>;
}

/// Series in memory.
impl SeriesSource for Vec<RawSeries> {
    fn series(&self, metric: &str) -> Result<Vec<RawSeries>, SourceError> {
        let of = self.iter().filter(|series| series.metric == metric);
        Ok(of.cloned().collect())
    }

    fn metrics(&self) -> Result<Vec<MetricInfo>, SourceError> {
        Ok(infos(self.iter()))
    }
}

/// What series there are, by metric and kind.
pub fn infos<'s>(all: impl Iterator<Item = &'s RawSeries>) -> Vec<MetricInfo> {
    let mut found: BTreeMap<(&str, SeriesKind), MetricInfo> = BTreeMap::new();
    for series in all {
        let key = (series.metric.as_str(), series.kind);
        let info = found.entry(key).or_insert_with(|| MetricInfo {
            metric: series.metric.clone(),
            kind: series.kind,
            unit: series.unit.clone(),
            series: 0,
            tag_keys: Vec::new(),
        });
        info.series += 1;
        for tag in &series.tags {
            let key = tag.split_once(':').map_or(tag.as_str(), |(key, _)| key);
            if let Err(at) = info
                .tag_keys
                .binary_search_by(|known| known.as_str().cmp(key))
            {
                info.tag_keys.insert(at, key.to_owned());
            }
        }
    }
    found.into_values().collect()
}
