//! The metrics that definitions may query: the product's own, those of integrations, and those that a project lists.
//! Must not know queries or rules.

use std::collections::BTreeMap;

use telemetry::catalogue::{Kind, Metric};

use crate::definition::{MetricType, ProjectMetric};
use crate::provided::{self, PROVIDED};

/// What is known of a metric, whoever sends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Its own tags; `None` when they are not listed, so that any may be used.
    pub tags: Option<Vec<String>>,
    /// Reports nothing while nothing happens.
    pub sparse: bool,
    /// Percentiles can be asked of it.
    pub distribution: bool,
}

/// All metrics that are known in a project.
#[derive(Debug, Clone, Default)]
pub struct Catalogue {
    own: BTreeMap<String, ProjectMetric>,
}

impl Catalogue {
    /// The project's metrics beside those that everybody has.
    pub fn new(own: BTreeMap<String, ProjectMetric>) -> Self {
        Self { own }
    }

    /// Whether the project lists none of its own.
    pub fn is_empty(&self) -> bool {
        self.own.is_empty()
    }

    /// Finds a metric; the project's word wins.
    pub fn find(&self, name: &str) -> Option<Known> {
        self.own.get(name).map(own).or_else(|| known_metric(name))
    }

    /// Every name.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let own = self.own.keys().map(String::as_str);
        own.chain(Metric::ALL.iter().map(|metric| metric.name()))
            .chain(PROVIDED.iter().map(|provided| provided.name))
    }
}

fn own(metric: &ProjectMetric) -> Known {
    Known {
        tags: (!metric.tags.is_empty()).then(|| metric.tags.clone()),
        sparse: metric.kind != MetricType::Gauge,
        distribution: metric.kind == MetricType::Distribution,
    }
}

/// Finds a metric that the product or an integration sends.
pub fn known_metric(name: &str) -> Option<Known> {
    let tags = |tags: &[&str]| Some(tags.iter().map(|tag| (*tag).to_owned()).collect());
    if let Some(metric) = Metric::by_name(name) {
        let definition = metric.definition();
        return Some(Known {
            tags: tags(definition.tags),
            sparse: definition.kind != Kind::Gauge,
            distribution: matches!(definition.kind, Kind::Histogram | Kind::Distribution),
        });
    }
    let provided = provided::by_name(name)?;
    Some(Known {
        tags: tags(provided.tags),
        sparse: provided.sparse,
        distribution: provided.distribution,
    })
}
