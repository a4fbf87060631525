//! What a rule is: a name, a demand, and how it is checked. Must not know which rules there are.

use checked_yaml::Place;

use super::finding::Finding;
use super::view::{Everything, ItemView, MonitorView};
use crate::definition::{Dashboard, Slo, Waiver};
use crate::query::tree::MetricQuery;

/// A rule: what it demands of a definition, and how that is checked.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// As shown with problems and written in waivers.
    pub name: &'static str,
    /// In one sentence.
    pub demands: &'static str,
    /// Whether a definition may be exempted.
    pub waivable: bool,
    /// How it is checked.
    pub(super) check: Check,
}

impl Rule {
    /// A breach of this rule at a place of the definition.
    pub(super) fn finding(&self, place: Place, message: impl Into<String>) -> Finding {
        Finding::new(self.name, place, message.into())
    }
}

/// What a rule is shown, and so how often it is asked.
#[derive(Debug, Clone, Copy)]
pub(super) enum Check {
    /// Each definition of any kind.
    Item(fn(&ItemView<'_>, &Everything<'_>) -> Vec<Finding>),
    /// Each metric query of any definition, with its place.
    Metric(fn(&MetricQuery, &Place, &Everything<'_>) -> Vec<Finding>),
    /// Each monitor.
    Monitor(fn(&MonitorView<'_>, &Everything<'_>) -> Vec<Finding>),
    /// Each SLO.
    Slo(fn(&ItemView<'_>, &Slo) -> Vec<Finding>),
    /// Each dashboard.
    Dashboard(fn(&ItemView<'_>, &Dashboard) -> Vec<Finding>),
    /// All definitions at once; each finding comes with the index of the definition that it is about.
    Set(fn(&Everything<'_>) -> Vec<(usize, Finding)>),
    /// Each waiver, with its place, whether it exempted anything, and the rules that there are.
    Waivers(fn(&Waiver, bool, Place, &[Rule]) -> Option<Finding>),
}
