//! Metrics that thresholds ask for, beside those that the product knows.

use alerting::catalogue::Catalogue;
use checked_yaml::did_you_mean;

use super::{Measure, Scenario};

impl Scenario {
    /// The first threshold that can only be judged on a recording, as written.
    pub fn asks_for_recording(&self) -> Option<&str> {
        let mut all = self.thresholds.iter();
        all.find(|threshold| matches!(threshold.measure, Measure::Telemetry(_)))
            .map(|threshold| threshold.text.as_str())
    }

    /// A sentence for each metric in a threshold that is not known: it may be a slip, or another system's.
    pub fn unknown_metrics(&self) -> Vec<String> {
        let catalogue = Catalogue::default();
        let queries = self
            .thresholds
            .iter()
            .filter_map(|threshold| match &threshold.measure {
                Measure::Telemetry(query) => Some(query),
                _ => None,
            });
        let names = queries
            .flat_map(|query| query.metrics())
            .map(|metric| &metric.name);
        let mut unknown: Vec<&String> = names
            .filter(|name| catalogue.find(name).is_none())
            .collect();
        unknown.sort();
        unknown.dedup();
        let say = |name: &String| {
            let hint = did_you_mean(name, catalogue.names());
            let hint = hint.map_or(String::new(), |hint| format!("; {hint}"));
            format!(
                "`{name}` is none of the product's metrics{hint} (all is well if the system under test sends it)"
            )
        };
        unknown.into_iter().map(say).collect()
    }
}
