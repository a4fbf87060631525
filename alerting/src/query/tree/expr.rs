//! Expressions over metrics: what is computed at each point in time. Must not know alerts.

use super::{Comparison, Text};

/// What is computed at each point in time.
#[derive(Debug, Clone, PartialEq)]
pub enum Expr {
    /// `100`
    Number(f64),
    /// `query1`: in formulas.
    Variable(String),
    /// `sum:http_requests_total{env:prod} by {service}.as_count()`
    Metric(MetricQuery),
    /// `default_zero(…)`, `anomalies(…, 'agile', 2)`
    Call(Call),
    /// `(…)`
    Group(Box<Expr>),
    /// `-…`
    Negate(Box<Expr>),
    /// Operators of one precedence, from left to right.
    Arithmetic {
        /// The leftmost operand.
        first: Box<Expr>,
        /// Each further operand and the operator in front of it.
        rest: Vec<(Operator, Expr)>,
    },
}

/// Arithmetic operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is its own name")]
pub enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
}

impl Operator {
    /// As it is written.
    pub fn text(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
        }
    }
}

/// A set of series of one metric, summed up to one series per group.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricQuery {
    /// How series become one; absent means the server's default, `avg`.
    pub aggregator: Option<SpaceAggregator>,
    /// The metric.
    pub name: String,
    /// Which series.
    pub filter: Filter,
    /// The tag keys that keep series apart.
    pub by: Vec<String>,
    /// `.as_count()` and the like, in order.
    pub methods: Vec<Method>,
}

impl MetricQuery {
    /// Whether a method is applied.
    pub fn has(&self, name: MethodName) -> bool {
        self.methods.iter().any(|method| method.name == name)
    }
}

/// How the series of a group become one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum SpaceAggregator {
    /// `avg`
    Avg,
    /// `sum`
    Sum,
    /// `min`
    Min,
    /// `max`
    Max,
    /// `count`: number of values of a distribution.
    Count,
    /// `p95`: percentile of a distribution.
    Percentile(f64),
    /// `count(v: v>2)`: number of a distribution's values that compare so.
    CountWhere(Comparison),
}

/// Which series, by their tags.
#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    /// One condition.
    Term(Term),
    /// `!a:b`, `NOT a:b`
    Not(Box<Filter>),
    /// `a:b, c:d`, `a:b AND c:d`
    All(Vec<Filter>),
    /// `a:b OR c:d`
    Any(Vec<Filter>),
    /// `a IN (b, c)`, `a NOT IN (b, c)`
    In {
        /// The tag.
        key: String,
        /// None of the values instead of one of them.
        negated: bool,
        /// The values, which may hold wildcards.
        values: Vec<String>,
    },
    /// `(…)`
    Group(Box<Filter>),
}

/// A condition on a tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Term {
    /// `*`
    Everything,
    /// `key:value`; the value may hold wildcards or a dashboard's `$variable`.
    Tag {
        /// Left of the first colon.
        key: String,
        /// Right of it.
        value: String,
    },
    /// A tag without a value.
    Bare(String),
    /// `$variable` of a dashboard.
    Variable(String),
}

/// Something applied to a metric query.
#[derive(Debug, Clone, PartialEq)]
pub struct Method {
    /// Which.
    pub name: MethodName,
    /// With what.
    pub args: Vec<Argument>,
}

/// Methods of metric queries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is its own name")]
pub enum MethodName {
    AsCount,
    AsRate,
    Rollup,
    Fill,
    Weighted,
    DefaultZero,
}

impl MethodName {
    pub(in crate::query) const ALL: [Self; 6] = [
        Self::AsCount,
        Self::AsRate,
        Self::Rollup,
        Self::Fill,
        Self::Weighted,
        Self::DefaultZero,
    ];

    /// As it is written.
    pub fn text(self) -> &'static str {
        match self {
            Self::AsCount => "as_count",
            Self::AsRate => "as_rate",
            Self::Rollup => "rollup",
            Self::Fill => "fill",
            Self::Weighted => "weighted",
            Self::DefaultZero => "default_zero",
        }
    }
}

/// A function and its arguments.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// One of [`FUNCTIONS`](crate::query::FUNCTIONS).
    pub function: String,
    /// What it is applied to.
    pub args: Vec<Argument>,
}

impl Call {
    /// The text of a named argument, as in `direction='above'`.
    pub fn named(&self, name: &str) -> Option<&Value> {
        self.args
            .iter()
            .find(|arg| arg.name.as_deref() == Some(name))
            .map(|arg| &arg.value)
    }

    /// The unnamed arguments.
    pub fn positional(&self) -> impl Iterator<Item = &Value> {
        self.args
            .iter()
            .filter(|arg| arg.name.is_none())
            .map(|arg| &arg.value)
    }
}

/// One argument.
#[derive(Debug, Clone, PartialEq)]
pub struct Argument {
    /// As in `interval=60`.
    pub name: Option<String>,
    /// The value.
    pub value: Value,
}

/// What an argument may be.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `'basic'`
    Text(Text),
    /// `zero`, `avg`: a bare word in a method.
    Word(String),
    /// Anything computed.
    Expr(Expr),
}
