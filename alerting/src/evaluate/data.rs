//! The recorded series that an evaluation needs, read once.

use std::collections::{BTreeMap, BTreeSet};

use thiserror::Error;

use super::series::{RawSeries, SeriesSource, SourceError};

/// Recorded series, read for evaluation.
#[derive(Debug, Clone, Default)]
pub struct Data {
    series: BTreeMap<String, Vec<RawSeries>>,
}

/// A metric that never had data.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{metric}` never had data{}", self.hint())]
pub struct NeverHadData {
    /// Its name.
    pub metric: String,
    /// The recorded names that are most like it.
    pub nearest: Vec<String>,
}

impl NeverHadData {
    fn hint(&self) -> String {
        match self.nearest.as_slice() {
            [] => String::new(),
            [only] => format!("; did you mean `{only}`?"),
            several => format!("; did you mean one of `{}`?", several.join("`, `")),
        }
    }
}

/// So many names are suggested for one that never had data.
const NEAREST_MAX: usize = 3;

impl Data {
    /// Reads these metrics.
    ///
    /// # Errors
    /// When the recording cannot be read.
    pub fn read<'m>(
        source: &dyn SeriesSource,
        metrics: impl IntoIterator<Item = &'m str>,
    ) -> Result<Self, SourceError> {
        let mut series = BTreeMap::new();
        for metric in metrics {
            if !series.contains_key(metric) {
                series.insert(metric.to_owned(), source.series(metric)?);
            }
        }
        Ok(Self { series })
    }

    /// The metrics that were asked for and were never recorded.
    ///
    /// # Errors
    /// When the recording cannot be read.
    pub fn missing(&self, source: &dyn SeriesSource) -> Result<Vec<NeverHadData>, SourceError> {
        let missing = self.series.iter().filter(|(_, series)| series.is_empty());
        let missing: Vec<&String> = missing.map(|(metric, _)| metric).collect();
        if missing.is_empty() {
            return Ok(Vec::new());
        }
        let known: BTreeSet<String> = source
            .metrics()?
            .into_iter()
            .map(|info| info.metric)
            .collect();
        let of = |metric: &String| NeverHadData {
            metric: metric.clone(),
            nearest: nearest(metric, &known),
        };
        Ok(missing.into_iter().map(of).collect())
    }

    /// The seconds at which the first and the last recorded point stand.
    pub fn span(&self) -> Option<(i64, i64)> {
        let all = self.series.values().flatten();
        let points = all.flat_map(|series| [series.points.first(), series.points.last()]);
        let times = points.flatten().map(|(at, _)| *at);
        Some((times.clone().min()?, times.max()?))
    }

    /// All series of a metric that was read.
    pub fn of(&self, metric: &str) -> &[RawSeries] {
        self.series.get(metric).map_or(&[], Vec::as_slice)
    }
}

fn nearest(metric: &str, known: &BTreeSet<String>) -> Vec<String> {
    let mut rest: Vec<&str> = known.iter().map(String::as_str).collect();
    let mut found = Vec::new();
    while found.len() < NEAREST_MAX {
        let Some(close) = checked_yaml::closest(metric, rest.iter().copied()) else {
            break;
        };
        found.push(close.to_owned());
        rest.retain(|name| *name != close);
    }
    found
}
