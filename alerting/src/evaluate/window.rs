//! From a monitor's query to one number a group at a moment (rules W1 to W4 and P1 to P8).

use std::collections::{BTreeMap, BTreeSet};

use crate::query::QueryError;
use crate::query::tree::{Change, MetricAlert, TimeAggregator, Window};

use super::assumption::Assumption;
use super::data::Data;
use super::evaluation::{Evaluated, Plan};
use super::frame::Group;
use super::grid::{Grid, default_width};
use super::space::Combine;

/// Seconds between evaluations of a monitor with a window of this many seconds (rule W1).
pub fn evaluated_every_s(window_s: i64) -> i64 {
    const DAY_S: i64 = 86_400;
    match window_s {
        short if short < DAY_S => 60,
        middle if middle < 2 * DAY_S => 600,
        _ => 1_800,
    }
}

/// The window at a moment, both ends included, in UNIX seconds (rules W3, W4).
pub fn window(at_s: i64, length_s: i64, delay_s: i64) -> (i64, i64) {
    (at_s - delay_s - length_s, at_s - delay_s)
}

/// A metric monitor's query, made ready.
pub struct WindowPlan {
    plan: Plan,
    aggregator: TimeAggregator,
    length_s: i64,
    change: Option<(bool, i64)>,
}

/// What a query comes to at a moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Values {
    /// By the tags of the group, sorted by key; groups without a result are not there.
    pub groups: BTreeMap<Vec<String>, f64>,
    /// What the values depend on beside the data.
    pub assumed: BTreeSet<Assumption>,
}

impl WindowPlan {
    /// Makes the query of a metric monitor ready; `text` is the whole query, for places in errors.
    ///
    /// # Errors
    /// What of it cannot be evaluated: the name, the place and the reason.
    pub fn of(alert: &MetricAlert, text: &str) -> Result<Self, QueryError> {
        let plan = Plan::of_part(&alert.expr, text)?;
        let Window::Last(span) = alert.window else {
            return Err(refused("only windows such as `last_5m` are evaluated here"));
        };
        if plan.has_as_count() && plan.is_arithmetic() && alert.aggregator != TimeAggregator::Sum {
            return Err(refused("with as_count() only `sum(last_…)` may be used"));
        }
        if plan.has_as_count() && plan.is_arithmetic() && !plan.is_counted() {
            return Err(refused(
                "every operand beside as_count() needs as_count() or as_rate(), too",
            ));
        }
        Ok(Self {
            plan,
            aggregator: alert.aggregator,
            length_s: seconds(span.seconds()),
            change: alert.change.as_ref().map(shift),
        })
    }

    /// The metrics that it asks for, each once.
    pub fn metrics(&self) -> BTreeSet<&str> {
        self.plan.metrics()
    }

    /// Length of its window in seconds.
    pub fn length_s(&self) -> i64 {
        self.length_s
    }

    /// Evaluates it at a moment, in UNIX seconds, with buckets of the width that the window has by default.
    ///
    /// # Errors
    /// What of it cannot be evaluated on these data.
    pub fn at(&self, data: &Data, at_s: i64, delay_s: i64) -> Result<Values, QueryError> {
        let (from, to) = window(at_s, self.length_s, delay_s);
        match self.change {
            None => self.plain(data, from, to),
            Some((relative, shift_s)) => self.changed(data, from, to, relative, shift_s),
        }
    }

    fn plain(&self, data: &Data, from: i64, to: i64) -> Result<Values, QueryError> {
        let found = self.evaluated(data, from, to)?;
        Ok(self.values(&found, |group| self.reduced(group.present())))
    }

    /// Rule P7: the difference of points at exactly that distance, then the aggregate; of counts that of the sums.
    fn changed(
        &self,
        data: &Data,
        from: i64,
        to: i64,
        relative: bool,
        shift_s: i64,
    ) -> Result<Values, QueryError> {
        let now = self.evaluated(data, from, to)?;
        let before = self.evaluated(data, from - shift_s, to - shift_s)?;
        let other = |tags: &[String]| before.groups.iter().find(|group| group.tags == tags);
        Ok(self.values(&now, |group| {
            let other = other(&group.tags)?;
            let pairs = group.values.iter().zip(&other.values);
            let changes = pairs.map(|(now, before)| match relative {
                true => (now - before) / before * 100.0,
                false => now - before,
            });
            self.reduced(changes.filter(|change| change.is_finite()))
        }))
    }

    /// Rule P3 and P6: what is summed or is a percentile is taken over the window at once.
    fn evaluated(&self, data: &Data, from: i64, to: i64) -> Result<Evaluated, QueryError> {
        let at_once = self.aggregator == TimeAggregator::Percentile
            || self.plan.has_as_count() && self.aggregator == TimeAggregator::Sum;
        let grid = match at_once {
            true => Grid::whole(from, to),
            false => self.plan.grid(from, to, default_width(self.length_s)),
        };
        self.plan.evaluate(data, grid)
    }

    fn values(&self, found: &Evaluated, value: impl Fn(&Group) -> Option<f64>) -> Values {
        let of = |group: &Group| Some((group.tags.clone(), value(group)?));
        let mut assumed = found.assumed.clone();
        if self.plan.rollup_s().is_none() && self.aggregator != TimeAggregator::Percentile {
            assumed.insert(Assumption::Buckets);
        }
        Values {
            groups: found.groups.iter().filter_map(of).collect(),
            assumed,
        }
    }

    /// Over the buckets that have a value (rule P1).
    fn reduced(&self, values: impl Iterator<Item = f64>) -> Option<f64> {
        let combine = match self.aggregator {
            TimeAggregator::Avg | TimeAggregator::Percentile => Combine::Avg,
            TimeAggregator::Sum => Combine::Sum,
            TimeAggregator::Min => Combine::Min,
            TimeAggregator::Max => Combine::Max,
        };
        Some(combine.of(values)).filter(|value| !value.is_nan())
    }
}

fn shift(change: &Change) -> (bool, i64) {
    (change.relative, seconds(change.against.span().seconds()))
}

fn seconds(seconds: u64) -> i64 {
    i64::try_from(seconds).unwrap_or(i64::MAX / 4)
}

fn refused(message: &str) -> QueryError {
    QueryError {
        at: 0..0,
        message: message.to_owned(),
    }
}
