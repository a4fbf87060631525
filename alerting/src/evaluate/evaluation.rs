//! Expressions over series: metrics at the leaves, functions and arithmetic per bucket (rules P1, P2 and P4).

use std::collections::BTreeSet;

use crate::query::tree::Expr;
use crate::query::{Expression, QueryError};

use super::arithmetic::{self, Operand};
use super::assumption::Assumption;
use super::data::Data;
use super::fill::{Fill, LIMIT_S};
use super::frame::{Group, Timeline, Value, mapped};
use super::functions::{Applied, EachSeries};
use super::grid::{BUCKETS_MAX, Grid};
use super::leaf;
use super::plan::{Counted, Leaf, Node, Reader};
use super::series::{PointValue, RawSeries, SeriesKind};

/// An expression that can be evaluated.
pub struct Plan {
    pub(super) node: Node,
    rollup_s: Option<i64>,
}

impl Plan {
    /// Makes an expression ready; of several separated by commas each is one plan.
    ///
    /// # Errors
    /// What of it cannot be evaluated: the name, the place and the reason.
    pub fn of(expression: &Expression) -> Result<Vec<Self>, QueryError> {
        let plan = |expr| Self::read(Reader::new(expression), expr);
        expression.exprs.iter().map(plan).collect()
    }

    /// An expression within a longer text.
    pub(super) fn of_part(expr: &Expr, text: &str) -> Result<Self, QueryError> {
        Self::read(Reader::over(std::slice::from_ref(expr), text), expr)
    }

    fn read(mut reader: Reader<'_>, expr: &Expr) -> Result<Self, QueryError> {
        let node = reader.node(expr)?;
        if node.leaves().is_empty() {
            let message = "there is no metric in it; a metric is written `avg:name{*}`";
            return Err(QueryError {
                at: 0..0,
                message: message.to_owned(),
            });
        }
        let rollup_s = reader.rollup_s;
        Ok(Self { node, rollup_s })
    }

    /// The metrics that it asks for, each once.
    pub fn metrics(&self) -> BTreeSet<&str> {
        let leaves = self.node.leaves().into_iter();
        leaves.map(|leaf| leaf.query.name.as_str()).collect()
    }

    /// The width of buckets that it asks for itself, in seconds.
    pub fn rollup_s(&self) -> Option<i64> {
        self.rollup_s
    }

    /// Whether `as_count()` decides how windows are evaluated (rule P3).
    pub fn has_as_count(&self) -> bool {
        let leaves = self.node.leaves();
        leaves.iter().any(|leaf| leaf.counted == Counted::Count)
    }

    /// Whether all that it asks for is counted, so that nothing sent means 0 (rule P4).
    pub fn is_counted(&self) -> bool {
        self.node.is_counted()
    }

    /// Whether it combines several operands.
    pub(super) fn is_arithmetic(&self) -> bool {
        matches!(self.node, Node::Arithmetic(..))
    }

    /// Whether it is one count and nothing else: of it nothing sent is 0, where of a share it is nothing.
    pub fn is_plain_count(&self) -> bool {
        matches!(&self.node, Node::Metric(leaf) if leaf.counted != Counted::No)
    }

    /// Whether all that it asks for adds up over a window: counts and distributions, but no gauges.
    pub fn adds_up(&self, data: &Data) -> bool {
        let of = |leaf: &&Leaf| {
            let is_sketch = |series: &RawSeries| series.kind == SeriesKind::Distribution;
            let all = data.of(&leaf.query.name);
            leaf.counted != Counted::No || (!all.is_empty() && all.iter().all(is_sketch))
        };
        self.node.leaves().iter().all(of)
    }

    /// The buckets of a window to which both ends belong: as wide as its rollup says, else `width` seconds.
    pub fn grid(&self, from: i64, to: i64, width: i64) -> Grid {
        match self.rollup_s {
            Some(seconds) => Grid::rolled_up(from, to, seconds),
            None => Grid::over(from, to, width),
        }
    }

    /// Evaluates it at each bucket.
    ///
    /// # Errors
    /// What of it cannot be evaluated on these data, and too many buckets.
    pub fn evaluate(&self, data: &Data, grid: Grid) -> Result<Evaluated, QueryError> {
        if grid.count as i64 > BUCKETS_MAX {
            let message = format!(
                "the time has more than {BUCKETS_MAX} buckets of {} s; choose wider ones or a shorter time",
                grid.width
            );
            return Err(QueryError { at: 0..0, message });
        }
        let mut run = Run {
            plan: self,
            data,
            assumed: BTreeSet::new(),
        };
        let time = run.timeline(grid, 0);
        let groups = match run.node(&self.node, &time)? {
            Value::Groups(groups) => groups,
            Value::Scalar(_) => Vec::new(),
        };
        let has_value = |group: &Group| group.present().next().is_some();
        Ok(Evaluated {
            grid,
            groups: groups.into_iter().filter(has_value).collect(),
            assumed: run.assumed,
        })
    }
}

/// What an expression came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluated {
    /// Its buckets.
    pub grid: Grid,
    /// The groups that have a value, sorted by their tags unless a function ranked them.
    pub groups: Vec<Group>,
    /// What the values depend on beside the data.
    pub assumed: BTreeSet<Assumption>,
}

struct Run<'a> {
    plan: &'a Plan,
    data: &'a Data,
    assumed: BTreeSet<Assumption>,
}

impl Run<'_> {
    /// The grid, and in which of its buckets anything was sent. Where values of an earlier time stand, they were sent then.
    fn timeline(&self, grid: Grid, shift: i64) -> Timeline {
        let mut active = vec![false; grid.count];
        self.mark(&self.plan.node, grid.shifted(-shift), &mut active);
        Timeline {
            grid,
            shift,
            active,
        }
    }

    fn mark(&self, node: &Node, grid: Grid, active: &mut [bool]) {
        match node {
            Node::Number(_) => {}
            Node::Metric(leaf) => {
                for series in leaf::sources(leaf, self.data.of(&leaf.query.name)) {
                    let indices = series
                        .points
                        .iter()
                        .filter(|(_, value)| is_something(value));
                    let indices = indices.filter_map(|(at, _)| grid.index(*at, 0));
                    indices.for_each(|index| active[index] = true);
                }
            }
            Node::Apply(Applied::Earlier(seconds), inner) => {
                self.mark(inner, grid.shifted(-seconds), active);
            }
            Node::Apply(_, inner) | Node::Negate(inner) => self.mark(inner, grid, active),
            Node::Arithmetic(first, rest) => {
                self.mark(first, grid, active);
                rest.iter()
                    .for_each(|(_, node)| self.mark(node, grid, active));
            }
        }
    }

    fn node(&mut self, node: &Node, time: &Timeline) -> Result<Value, QueryError> {
        match node {
            Node::Number(number) => Ok(Value::Scalar(*number)),
            Node::Metric(leaf) => self.leaf(leaf, time, None),
            Node::Negate(inner) => {
                let negate = |values: &[f64]| values.iter().map(|value| -value).collect();
                Ok(self.node(inner, time)?.map(negate))
            }
            Node::Apply(applied, inner) => self.apply(applied, inner, time),
            Node::Arithmetic(first, rest) => {
                let mut left = self.operand(first, time)?;
                for (operator, node) in rest {
                    let right = self.operand(node, time)?;
                    left = arithmetic::combined(*operator, &left, &right, time, &mut self.assumed);
                }
                Ok(left.value)
            }
        }
    }

    fn leaf(
        &mut self,
        leaf: &Leaf,
        time: &Timeline,
        each: Option<&EachSeries>,
    ) -> Result<Value, QueryError> {
        let all = self.data.of(&leaf.query.name);
        leaf::evaluate(leaf, all, time, each, &mut self.assumed).map(Value::Groups)
    }

    fn apply(
        &mut self,
        applied: &Applied,
        inner: &Node,
        time: &Timeline,
    ) -> Result<Value, QueryError> {
        match (applied, inner) {
            (Applied::EachSource(each), Node::Metric(leaf)) => self.leaf(leaf, time, Some(each)),
            (Applied::Each(each) | Applied::EachSource(each), _) => {
                Ok(self.node(inner, time)?.map_over(time, each))
            }
            (Applied::Groups { apply, .. }, _) => Ok(match self.node(inner, time)? {
                Value::Groups(groups) => Value::Groups(apply(time, groups)),
                scalar @ Value::Scalar(_) => scalar,
            }),
            (Applied::Earlier(seconds), _) => {
                let time = Timeline {
                    grid: time.grid.shifted(-seconds),
                    shift: time.shift - seconds,
                    active: time.active.clone(),
                };
                self.node(inner, &time)
            }
            (Applied::DefaultZero, _) if inner.is_counted() => self.node(inner, time),
            (Applied::DefaultZero, _) => self.default_zero(inner, time),
            (Applied::Same, _) => self.node(inner, time),
        }
    }

    /// Rule S11: empty buckets become what interpolation reaches, else 0, in every group that is known.
    fn default_zero(&mut self, inner: &Node, time: &Timeline) -> Result<Value, QueryError> {
        let (grid, past) = time.grid.with_past(LIMIT_S);
        let longer = self.timeline(grid, time.shift);
        let Value::Groups(groups) = self.node(inner, &longer)? else {
            return self.node(inner, time);
        };
        if groups.iter().any(|group| group.present().next().is_none()) {
            self.assumed.insert(Assumption::EmptyDefaultZero);
        }
        let zero = |values: &[f64]| {
            let filled = Fill::DEFAULT.apply(&grid, values).into_iter().skip(past);
            filled
                .map(|value| if value.is_nan() { 0.0 } else { value })
                .collect()
        };
        Ok(Value::Groups(mapped(groups, zero)))
    }

    fn operand(&mut self, node: &Node, time: &Timeline) -> Result<Operand, QueryError> {
        Ok(Operand {
            value: self.node(node, time)?,
            of_counts: node.is_counted(),
        })
    }
}

fn is_something(value: &PointValue) -> bool {
    match value {
        PointValue::Number(number) => !number.is_nan(),
        PointValue::Sketch(sketch) => sketch.count() > 0,
    }
}

impl Value {
    fn map_over(self, time: &Timeline, each: &EachSeries) -> Self {
        match self {
            // A number is the same at every time.
            Self::Scalar(number) => {
                let values = each(time, &vec![number; time.grid.count]);
                Self::Scalar(values.first().copied().unwrap_or(f64::NAN))
            }
            groups => groups.map(|values| each(time, values)),
        }
    }
}
