//! What a query means. Plain data for evaluators and rules; must not know how it was spelled.

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

/// A stretch of time relative to the moment of evaluation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    /// `last_5m`: the time up to now.
    Last(Span),
    /// `next_1w`: the time from now on, in forecasts.
    Next(Span),
    /// `current_1d`: since the calendar unit began.
    Current(Span),
    /// `1d_ago`: the same window, this long ago.
    Ago(Span),
}

impl Window {
    /// Its length, or for [`Window::Ago`] its distance.
    pub fn span(self) -> Span {
        match self {
            Self::Last(span) | Self::Next(span) | Self::Current(span) | Self::Ago(span) => span,
        }
    }
}

/// A number of time units, as written: `60m` is not `1h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// How many.
    pub count: u32,
    /// Of what.
    pub unit: TimeUnit,
}

impl Span {
    /// Reads `5m`, `1h`, `30d`, `1mo`.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let unit = TimeUnit::ALL
            .into_iter()
            .find(|unit| unit.text() == &text[digits..])?;
        let count: u32 = text[..digits].parse().ok()?;
        // A leading zero would not be printed back.
        (count > 0 && !text.starts_with('0')).then_some(Self { count, unit })
    }

    /// Its length; a month counts as 30 days.
    pub fn seconds(self) -> u64 {
        u64::from(self.count) * self.unit.seconds()
    }
}

/// Units of [`Span`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is its own name")]
pub enum TimeUnit {
    Second,
    Minute,
    Hour,
    Day,
    Week,
    Month,
}

impl TimeUnit {
    const ALL: [Self; 6] = [
        Self::Second,
        Self::Minute,
        Self::Hour,
        Self::Day,
        Self::Week,
        Self::Month,
    ];

    /// As it is written.
    pub fn text(self) -> &'static str {
        match self {
            Self::Second => "s",
            Self::Minute => "m",
            Self::Hour => "h",
            Self::Day => "d",
            Self::Week => "w",
            Self::Month => "mo",
        }
    }

    fn seconds(self) -> u64 {
        match self {
            Self::Second => 1,
            Self::Minute => 60,
            Self::Hour => 3_600,
            Self::Day => 86_400,
            Self::Week => 7 * 86_400,
            Self::Month => 30 * 86_400,
        }
    }
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
    pub(super) const ALL: [Self; 6] = [
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
    /// One of [`super::FUNCTIONS`].
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
    pub(super) layout: super::print::Layout,
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
}

/// The texts in the arguments of the first link of this name; also those separated by commas inside one text.
pub fn texts<'a>(chain: &'a [Link], name: &str) -> Option<Vec<&'a str>> {
    let link = chain.iter().find(|link| link.name == name)?;
    let texts = link.args.iter().filter_map(|arg| match arg {
        Operand::Text(text) => Some(text.content.as_str()),
        Operand::Number(_) => None,
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
