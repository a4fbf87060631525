//! An expression made ready for evaluation: everything that can be refused without looking at data is refused here, with its
//! place in the text.

use std::ops::Range;

use crate::query::Expression;
use crate::query::QueryError;
use crate::query::place::Places;
use crate::query::tree::{
    Argument, Call, Expr, MethodName, MetricQuery, Operator, SpaceAggregator, Value,
};

use super::fill::{Fill, How, LIMIT_S};
use super::filter;
use super::functions::{self, Applied};
use super::space::Combine;

/// Longest gap that a `fill` may bridge, in seconds.
const FILL_MAX_S: i64 = 86_400;

/// What is computed at each bucket.
pub(super) enum Node {
    Number(f64),
    Metric(Leaf),
    Apply(Applied, Box<Node>),
    Negate(Box<Node>),
    Arithmetic(Box<Node>, Vec<(Operator, Node)>),
}

/// A metric query, read.
pub(super) struct Leaf {
    pub(super) query: MetricQuery,
    /// The keys of its groups, sorted.
    pub(super) by: Vec<String>,
    pub(super) aggregator: SpaceAggregator,
    /// How points become a bucket, unless they are counted.
    pub(super) time: Combine,
    pub(super) counted: Counted,
    pub(super) fill: Option<Fill>,
    /// Where the metric stands in the text.
    pub(super) at: Range<usize>,
}

/// What `as_count()` and `as_rate()` ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Counted {
    No,
    Count,
    Rate,
}

impl Node {
    /// The metric queries in it, from left to right.
    pub(super) fn leaves(&self) -> Vec<&Leaf> {
        match self {
            Self::Number(_) => Vec::new(),
            Self::Metric(leaf) => vec![leaf],
            Self::Apply(_, inner) | Self::Negate(inner) => inner.leaves(),
            Self::Arithmetic(first, rest) => {
                let rest = rest.iter().flat_map(|(_, node)| node.leaves());
                first.leaves().into_iter().chain(rest).collect()
            }
        }
    }

    /// Whether nothing sent means 0 in arithmetic (rules S9, P4).
    pub(super) fn is_counted(&self) -> bool {
        let leaves = self.leaves();
        !leaves.is_empty() && leaves.iter().all(|leaf| leaf.counted != Counted::No)
    }

    /// The keys that its groups have; none if it is a number.
    fn keys(&self) -> Option<&[String]> {
        match self {
            Self::Number(_) => None,
            Self::Metric(leaf) => Some(&leaf.by),
            Self::Apply(Applied::Groups { ungroups: true, .. }, _) => Some(&[]),
            Self::Apply(_, inner) | Self::Negate(inner) => inner.keys(),
            Self::Arithmetic(first, rest) => {
                let rest = rest.iter().map(|(_, node)| node.keys());
                let mut all = std::iter::once(first.keys()).chain(rest).flatten();
                all.clone().find(|keys| !keys.is_empty()).or(all.next())
            }
        }
    }
}

/// Reads the expressions of a text.
pub(super) struct Reader<'e> {
    roots: &'e [Expr],
    places: Places,
    /// Width that the rollups ask for, in seconds.
    pub(super) rollup_s: Option<i64>,
}

impl<'e> Reader<'e> {
    pub(super) fn new(expression: &'e Expression) -> Self {
        Self::over(&expression.exprs, &expression.to_string())
    }

    /// Of expressions that stand in this text.
    pub(super) fn over(roots: &'e [Expr], text: &str) -> Self {
        Self {
            roots,
            places: Places::of(text),
            rollup_s: None,
        }
    }

    pub(super) fn node(&mut self, expr: &Expr) -> Result<Node, QueryError> {
        Ok(match expr {
            Expr::Number(number) => Node::Number(*number),
            Expr::Variable(name) => {
                let message = format!(
                    "`{name}` is not a metric query; a metric is written `avg:{name}{{*}}`"
                );
                return Err(self.refused(self.places.word_from(0, name), message));
            }
            Expr::Metric(query) => Node::Metric(self.leaf(query)?),
            Expr::Call(call) => self.call(call)?,
            Expr::Group(inner) => self.node(inner)?,
            Expr::Negate(inner) => Node::Negate(Box::new(self.node(inner)?)),
            Expr::Arithmetic { first, rest } => self.arithmetic(first, rest)?,
        })
    }

    fn arithmetic(&mut self, first: &Expr, rest: &[(Operator, Expr)]) -> Result<Node, QueryError> {
        let first = self.node(first)?;
        let rest: Result<Vec<_>, _> = rest
            .iter()
            .map(|(operator, expr)| Ok((*operator, self.node(expr)?)))
            .collect();
        let node = Node::Arithmetic(Box::new(first), rest?);
        self.same_groups(&node)?;
        Ok(node)
    }

    /// Operands are matched by their groups.
    fn same_groups(&self, node: &Node) -> Result<(), QueryError> {
        let keys = node.keys().unwrap_or_default();
        let Node::Arithmetic(first, rest) = node else {
            return Ok(());
        };
        let operands = std::iter::once(&**first).chain(rest.iter().map(|(_, node)| node));
        for operand in operands {
            let other = operand.keys().unwrap_or_default();
            if !other.is_empty() && other != keys {
                let at = operand
                    .leaves()
                    .first()
                    .map_or(0..0, |leaf| leaf.at.clone());
                let message = format!(
                    "groups by {{{}}} cannot be combined with groups by {{{}}}; give both the same `by`",
                    other.join(","),
                    keys.join(",")
                );
                return Err(self.refused(at, message));
            }
        }
        Ok(())
    }

    fn call(&mut self, call: &Call) -> Result<Node, QueryError> {
        let at = self.places.call(self.roots, call);
        let name = &call.function;
        let Some(Value::Expr(inner)) = call.args.first().map(|arg| &arg.value) else {
            return Err(self.refused(
                at,
                format!("`{name}` is applied to a query: `{name}(…)` begins with one"),
            ));
        };
        if matches!(name.as_str(), "fill" | "rollup") {
            return self.method_call(call, inner, at);
        }
        let applied = functions::read(call).map_err(|reason| {
            self.refused(at, format!("`{name}` cannot be evaluated: {reason}"))
        })?;
        Ok(Node::Apply(applied, Box::new(self.node(inner)?)))
    }

    /// `fill(q, …)` and `rollup(q, …)` are the methods written in front.
    fn method_call(
        &mut self,
        call: &Call,
        inner: &Expr,
        at: Range<usize>,
    ) -> Result<Node, QueryError> {
        let Expr::Metric(query) = inner else {
            let message = format!(
                "`{0}` is applied to a metric query; write it as a method, `….{0}(…)`",
                call.function
            );
            return Err(self.refused(at, message));
        };
        let mut leaf = self.leaf(query)?;
        let name = match call.function.as_str() {
            "fill" => MethodName::Fill,
            _ => MethodName::Rollup,
        };
        self.method(&mut leaf, name, &call.args[1..], &at)?;
        Ok(Node::Metric(leaf))
    }

    fn leaf(&mut self, query: &MetricQuery) -> Result<Leaf, QueryError> {
        let at = self.places.metric(self.roots, query);
        if let Err((text, reason)) = filter::check(&query.filter) {
            let place = self.places.word_from(at.start, &text);
            return Err(self.refused(place, format!("`{text}`: {reason}")));
        }
        if let Some(key) = query.by.iter().find(|key| key.starts_with('$')) {
            let place = self.places.word_from(at.start, key);
            return Err(self.refused(
                place,
                format!("`{key}`: a dashboard's variable has no value here; write the tag's key"),
            ));
        }
        let mut by = query.by.clone();
        by.sort();
        by.dedup();
        let mut leaf = Leaf {
            query: query.clone(),
            by,
            aggregator: query.aggregator.unwrap_or(SpaceAggregator::Avg),
            time: Combine::Avg,
            counted: Counted::No,
            fill: None,
            at,
        };
        for method in &query.methods {
            let at = self.places.word_from(leaf.at.start, method.name.text());
            self.method(&mut leaf, method.name, &method.args, &at)?;
        }
        Ok(leaf)
    }

    fn method(
        &mut self,
        leaf: &mut Leaf,
        name: MethodName,
        args: &[Argument],
        at: &Range<usize>,
    ) -> Result<(), QueryError> {
        let refused = |message: &str| {
            Err(QueryError {
                at: at.clone(),
                message: format!("`{}` cannot be evaluated: {message}", name.text()),
            })
        };
        match name {
            MethodName::AsCount => leaf.counted = Counted::Count,
            MethodName::AsRate => leaf.counted = Counted::Rate,
            MethodName::Rollup => match rollup(args) {
                Some((combine, seconds)) => {
                    leaf.time = combine;
                    if seconds.is_some()
                        && self.rollup_s.is_some_and(|known| Some(known) != seconds)
                    {
                        return refused(
                            "rollups of different lengths cannot be combined; give all the same",
                        );
                    }
                    self.rollup_s = seconds.or(self.rollup_s);
                }
                None => {
                    return refused(
                        "it is written `.rollup(sum, 60)` with avg, sum, min, max or count and whole seconds",
                    );
                }
            },
            MethodName::Fill => match fill(args) {
                Some(fill) => leaf.fill = Some(fill),
                None => {
                    return refused(
                        "it is written `.fill(linear, 300)` with linear, last, zero or null and seconds",
                    );
                }
            },
            MethodName::Weighted => return refused("how it weighs is not published"),
            MethodName::DefaultZero => return refused("write it as a function, `default_zero(…)`"),
        }
        Ok(())
    }

    fn refused(&self, at: Range<usize>, message: String) -> QueryError {
        QueryError { at, message }
    }
}

fn rollup(args: &[Argument]) -> Option<(Combine, Option<i64>)> {
    match args {
        [only] => match word(only) {
            Some(word) => Some((Combine::parse(word)?, None)),
            None => Some((Combine::Avg, Some(seconds(only)?))),
        },
        [how, width] => Some((Combine::parse(word(how)?)?, Some(seconds(width)?))),
        _ => None,
    }
}

fn fill(args: &[Argument]) -> Option<Fill> {
    let (how, limit_s) = match args {
        [how] => (how, LIMIT_S),
        [how, limit] => (how, seconds(limit)?),
        _ => return None,
    };
    let how = match word(how)? {
        "linear" => How::Linear,
        "last" => How::Last,
        "zero" => How::Zero,
        "null" => How::Null,
        _ => return None,
    };
    (limit_s <= FILL_MAX_S).then_some(Fill { how, limit_s })
}

fn word(arg: &Argument) -> Option<&str> {
    match &arg.value {
        Value::Word(word) => Some(word),
        Value::Text(text) => Some(&text.content),
        Value::Expr(Expr::Variable(word)) => Some(word),
        Value::Expr(_) => None,
    }
}

fn seconds(arg: &Argument) -> Option<i64> {
    match arg.value {
        Value::Expr(Expr::Number(number)) => {
            let whole = number as i64;
            (whole as f64 == number && whole > 0).then_some(whole)
        }
        _ => None,
    }
}
