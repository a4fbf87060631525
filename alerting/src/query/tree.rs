//! What a query means. Plain data for evaluators and rules; must not know how it was spelled.

mod expr;
mod time;

pub use expr::{
    Argument, Call, Expr, Filter, Method, MethodName, MetricQuery, Operator, SpaceAggregator, Term,
    Value,
};
pub use time::{Span, TimeUnit, Window};

/// A monitor's query by kind.
#[derive(Debug, Clone, PartialEq)]
pub enum Alert {
    /// `avg(last_5m):avg:system.load.1{*} > 2`
    Metric(MetricAlert),
    /// `"http.can_connect".over("env:prod").by("host").last(3).count_by_status()`
    Check(CheckAlert),
    /// `logs("status:error").index("*").rollup("count").last("5m") > 10`
    Search(SearchAlert),
    /// `formula("errors / requests").last("5m") > 0.05`
    Formula(FormulaAlert),
    /// `123 && !${monitor:deploying}`
    Composite(Condition),
    /// `burn_rate("…")…` and `error_budget("…")…`
    Slo(SloAlert),
}

/// An expression over metrics, summed up over a window and compared.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricAlert {
    /// How the window becomes one number.
    pub aggregator: TimeAggregator,
    /// The window.
    pub window: Window,
    /// Compare with the value of another time instead of the value itself.
    pub change: Option<Change>,
    /// What is computed at each point.
    pub expr: Expr,
    /// When to alert.
    pub comparison: Comparison,
}

/// `change(…)` or `pct_change(…)` around the window.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Per cent of the earlier value, instead of the difference.
    pub relative: bool,
    /// The earlier time.
    pub against: Window,
}

/// How the points of a window become one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is its own name")]
pub enum TimeAggregator {
    Avg,
    Sum,
    Min,
    Max,
    Percentile,
}

/// An operator and the number on its right.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Comparison {
    /// The operator.
    pub comparator: Comparator,
    /// The number.
    pub threshold: f64,
}

/// Comparison operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is its own name")]
pub enum Comparator {
    Above,
    AboveOrEqual,
    Below,
    BelowOrEqual,
    Equal,
    NotEqual,
}

impl Comparator {
    /// As it is written.
    pub fn text(self) -> &'static str {
        match self {
            Self::Above => ">",
            Self::AboveOrEqual => ">=",
            Self::Below => "<",
            Self::BelowOrEqual => "<=",
            Self::Equal => "==",
            Self::NotEqual => "!=",
        }
    }

    /// Whether larger values are the worse ones.
    pub fn is_above(self) -> bool {
        matches!(self, Self::Above | Self::AboveOrEqual)
    }

    /// Whether smaller values are the worse ones.
    pub fn is_below(self) -> bool {
        matches!(self, Self::Below | Self::BelowOrEqual)
    }

    /// Whether `value` compares so with `threshold`.
    pub fn holds(self, value: f64, threshold: f64) -> bool {
        match self {
            Self::Above => value > threshold,
            Self::AboveOrEqual => value >= threshold,
            Self::Below => value < threshold,
            Self::BelowOrEqual => value <= threshold,
            Self::Equal => value == threshold,
            Self::NotEqual => value != threshold,
        }
    }
}

/// A quoted text. Escapes stay as written; no quoted text of the language needs them resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// Between the quotes.
    pub content: String,
    /// `'` or `"`.
    pub quote: char,
}

/// The state of a service check.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckAlert {
    /// The check.
    pub check: Text,
    /// `over`, `exclude`, `by`, `last`, `count_by_status`, `pct_by_status`.
    pub chain: Vec<Link>,
    /// Only for a cluster alert.
    pub comparison: Option<Comparison>,
}

/// A search over logs, events, RUM, traces and the like, counted or measured over a window.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchAlert {
    /// One of [`super::SOURCES`].
    pub source: String,
    /// The search.
    pub search: Text,
    /// `index`, `rollup`, `by`, `last` …
    pub chain: Vec<Link>,
    /// When to alert.
    pub comparison: Comparison,
}

/// An expression over the variables in the monitor's `options.variables`.
#[derive(Debug, Clone, PartialEq)]
pub struct FormulaAlert {
    /// The formula.
    pub expr: Expr,
    /// How it is quoted and laid out.
    pub(super) quoted: Quoted,
    /// `last`, `rollup` …
    pub chain: Vec<Link>,
    /// When to alert.
    pub comparison: Comparison,
}

/// The text form of an expression inside quotes.
#[derive(Debug, Clone)]
pub(super) struct Quoted {
    pub(super) quote: char,
    pub(super) layout: super::layout::Layout,
}

/// Spelling is not meaning.
impl PartialEq for Quoted {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// One `.name(arguments)` of a chain.
#[derive(Debug, Clone, PartialEq)]
pub struct Link {
    /// What it sets.
    pub name: String,
    /// To what.
    pub args: Vec<Operand>,
}

/// An argument in a chain.
#[derive(Debug, Clone, PartialEq)]
pub enum Operand {
    /// `"5m"`
    Text(Text),
    /// `3`
    Number(f64),
    /// `job_name`
    Word(String),
    /// `threshold=10`
    Named(String, Box<Operand>),
}

/// The texts in the arguments of the first link of this name; also those separated by commas inside one text.
pub fn texts<'a>(chain: &'a [Link], name: &str) -> Option<Vec<&'a str>> {
    let link = chain.iter().find(|link| link.name == name)?;
    let texts = link.args.iter().filter_map(|arg| match arg {
        Operand::Text(text) => Some(text.content.as_str()),
        Operand::Word(word) => Some(word.as_str()),
        Operand::Number(_) | Operand::Named(..) => None,
    });
    Some(
        texts
            .flat_map(|text| text.split(','))
            .map(str::trim)
            .filter(|text| !text.is_empty())
            .collect(),
    )
}

/// The window that a chain sets with `last("5m")` or the like.
pub fn span(chain: &[Link], name: &str) -> Option<Span> {
    Span::parse(texts(chain, name)?.first()?)
}

/// States of other monitors, combined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// That monitor alerts.
    Monitor(Reference),
    /// `!…`
    Not(Box<Condition>),
    /// `… && …`
    All(Vec<Condition>),
    /// `… || …`
    Any(Vec<Condition>),
    /// `(…)`
    Group(Box<Condition>),
}

/// Another object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reference {
    /// The server's id.
    Id(String),
    /// `${monitor:key}` or `${slo:key}`: by its key in the files.
    Key(String),
}

/// An alert on an SLO's error budget.
#[derive(Debug, Clone, PartialEq)]
pub struct SloAlert {
    /// How fast it is used up, instead of how much is used.
    pub burn_rate: bool,
    /// The SLO.
    pub slo: Reference,
    pub(super) quote: char,
    /// `over`, `long_window`, `short_window`.
    pub chain: Vec<Link>,
    /// When to alert.
    pub comparison: Comparison,
}
