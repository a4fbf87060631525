//! An expression tree in PromQL. Knows how the product's metrics look in Prometheus and which functions have an
//! equal; must not know alerts or dashboards.

use telemetry::catalogue::{Kind, Metric};

use super::Unsayable;
use crate::query::tree::{
    Call, Expr, Filter, MethodName, MetricQuery, Operator, SpaceAggregator, Term, Value,
};

/// Over which time counters and distributions are summed.
#[derive(Debug, Clone)]
pub(crate) enum Range {
    /// A fixed window: `10m`.
    Window(String),
    /// A dashboard's own interval.
    Interval,
    /// The whole time that a dashboard shows.
    Shown,
}

impl Range {
    fn text(&self) -> &str {
        match self {
            Self::Window(window) => window,
            Self::Interval => "$__rate_interval",
            Self::Shown => "$__range",
        }
    }
}

/// A translator.
pub(crate) struct Promql {
    range: Range,
    variables: Vec<(String, Expr)>,
    /// Tag keys of a dashboard's template variables by the variable's name.
    templates: Vec<(String, String)>,
}

/// Whether a query is of a counter or distribution, which only has values over a range.
pub(crate) fn is_over_range(query: &MetricQuery) -> bool {
    Metric::by_name(&query.name).is_some_and(|metric| metric.definition().kind != Kind::Gauge)
}

/// A tag key as a label.
pub(super) fn label(key: &str) -> String {
    key.chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
        .collect()
}

impl Promql {
    pub(crate) fn new(range: Range) -> Self {
        Self {
            range,
            variables: Vec::new(),
            templates: Vec::new(),
        }
    }

    pub(crate) fn with_variables(mut self, variables: Vec<(String, Expr)>) -> Self {
        self.variables = variables;
        self
    }

    pub(crate) fn with_templates(mut self, templates: Vec<(String, String)>) -> Self {
        self.templates = templates;
        self
    }

    pub(crate) fn expr(&self, expr: &Expr) -> Result<String, Unsayable> {
        match expr {
            Expr::Number(value) => Ok(value.to_string()),
            Expr::Variable(name) => {
                let found = self.variables.iter().find(|(known, _)| known == name);
                let (_, expr) = found.ok_or_else(|| format!("there is no query `{name}`"))?;
                // A variable stands for a metric, never for another variable.
                match expr {
                    Expr::Variable(_) => Err(format!("`{name}` stands for another variable")),
                    expr => self.expr(expr),
                }
            }
            Expr::Metric(query) => self.metric(query, false),
            Expr::Call(call) => self.call(call),
            Expr::Group(inner) => Ok(format!("({})", self.expr(inner)?)),
            Expr::Negate(inner) => Ok(format!("-({})", self.expr(inner)?)),
            Expr::Arithmetic { first, rest } => {
                let mut text = self.expr(first)?;
                for (operator, operand) in rest {
                    text = format!("{text} {} {}", sign(*operator), self.expr(operand)?);
                }
                Ok(text)
            }
        }
    }

    fn call(&self, call: &Call) -> Result<String, Unsayable> {
        let mut args = call.positional();
        let inner = match args.next() {
            Some(Value::Expr(expr)) => expr,
            _ => return Err(format!("`{}` has no expression", call.function)),
        };
        let number = args.find_map(|arg| match arg {
            Value::Expr(Expr::Number(number)) => Some(*number),
            _ => None,
        });
        let number = || number.ok_or_else(|| format!("`{}` has no number", call.function));
        match call.function.as_str() {
            "default_zero" => self.default_zero(inner),
            "abs" | "ceil" | "floor" | "round" => {
                Ok(format!("{}({})", call.function, self.expr(inner)?))
            }
            "clamp_min" | "clamp_max" => Ok(format!(
                "{}({}, {})",
                call.function,
                self.expr(inner)?,
                number()?
            )),
            "top" => Ok(format!("topk({}, {})", number()?, self.expr(inner)?)),
            "week_before" => Ok(format!("({})", self.shifted(inner, "1w")?)),
            "day_before" => Ok(format!("({})", self.shifted(inner, "1d")?)),
            "hour_before" => Ok(format!("({})", self.shifted(inner, "1h")?)),
            name => Err(format!("Prometheus has no `{name}`")),
        }
    }

    /// Only a single series can be shifted as a whole; the selector carries the offset.
    fn shifted(&self, expr: &Expr, offset: &str) -> Result<String, Unsayable> {
        let query = match expr {
            Expr::Metric(query) => query,
            Expr::Variable(name) => match self.variables.iter().find(|(known, _)| known == name) {
                Some((_, Expr::Metric(query))) => query,
                _ => return Err(format!("`{name}` is not a metric")),
            },
            _ => return Err("only a metric can be shifted in time".to_owned()),
        };
        self.selected(query, false, &format!(" offset {offset}"))
    }

    /// No series means zero. With groups, any series of the metric says which groups there are.
    fn default_zero(&self, inner: &Expr) -> Result<String, Unsayable> {
        let value = self.expr(inner)?;
        let metrics = match inner {
            Expr::Variable(name) => match self.variables.iter().find(|(known, _)| known == name) {
                Some((_, expr)) => expr.metrics(),
                None => Vec::new(),
            },
            inner => inner.metrics(),
        };
        match metrics.as_slice() {
            [query] if !query.by.is_empty() => {
                Ok(format!("({value} or 0 * {})", self.metric(query, true)?))
            }
            _ => Ok(format!("({value} or vector(0))")),
        }
    }

    /// `bare` leaves the filter out.
    fn metric(&self, query: &MetricQuery, bare: bool) -> Result<String, Unsayable> {
        self.selected(query, bare, "")
    }

    fn selected(&self, query: &MetricQuery, bare: bool, offset: &str) -> Result<String, Unsayable> {
        let metric = Metric::by_name(&query.name);
        let metric =
            metric.ok_or_else(|| format!("`{}` does not come from this product", query.name))?;
        let name = metric.definition().prometheus_name();
        let matchers = if bare {
            String::new()
        } else {
            self.matchers(&query.filter)?
        };
        let range = self.range.text();
        let over = |function: &str, suffix: &str| {
            format!("{function}({name}{suffix}{matchers}[{range}]{offset})")
        };
        let by = by(&query.by);
        let aggregator = query.aggregator.unwrap_or(SpaceAggregator::Avg);
        match metric.definition().kind {
            Kind::Gauge => Ok(format!(
                "{}{by}({name}{matchers}{offset})",
                plain(aggregator)?
            )),
            Kind::Counter => {
                let function = if query.has(MethodName::AsRate) {
                    "rate"
                } else {
                    "increase"
                };
                Ok(format!(
                    "{}{by}({})",
                    plain(aggregator)?,
                    over(function, "")
                ))
            }
            Kind::Histogram | Kind::Distribution => distribution(aggregator, &query.by, over),
        }
    }

    fn matchers(&self, filter: &Filter) -> Result<String, Unsayable> {
        let mut matchers = Vec::new();
        self.collect(filter, &mut matchers)?;
        Ok(if matchers.is_empty() {
            String::new()
        } else {
            format!("{{{}}}", matchers.join(","))
        })
    }

    fn collect(&self, filter: &Filter, matchers: &mut Vec<String>) -> Result<(), Unsayable> {
        match filter {
            Filter::Term(Term::Everything) => Ok(()),
            Filter::Term(Term::Tag { key, value }) => {
                matchers.push(matcher(key, value, false));
                Ok(())
            }
            Filter::Term(Term::Variable(name)) => {
                let name = name.split('.').next().unwrap_or(name);
                let found = self.templates.iter().find(|(known, _)| known == name);
                let (_, key) =
                    found.ok_or_else(|| format!("there is no template variable `{name}`"))?;
                matchers.push(format!("{}=~\"${name}\"", label(key)));
                Ok(())
            }
            Filter::Term(Term::Bare(tag)) => Err(format!("the tag `{tag}` has no key")),
            Filter::Not(inner) => match &**inner {
                Filter::Term(Term::Tag { key, value }) => {
                    matchers.push(matcher(key, value, true));
                    Ok(())
                }
                _ => Err("only a single tag can be negated".to_owned()),
            },
            Filter::In {
                key,
                negated,
                values,
            } => {
                let values: Vec<String> = values.iter().map(|value| pattern(value)).collect();
                let operator = if *negated { "!~" } else { "=~" };
                matchers.push(format!("{}{operator}\"{}\"", label(key), values.join("|")));
                Ok(())
            }
            Filter::All(items) => items
                .iter()
                .try_for_each(|item| self.collect(item, matchers)),
            Filter::Group(inner) => self.collect(inner, matchers),
            Filter::Any(_) => Err("Prometheus has no OR between labels".to_owned()),
        }
    }
}

/// `over(function, suffix)` is the function over the range of the series with that suffix.
fn distribution(
    aggregator: SpaceAggregator,
    keys: &[String],
    over: impl Fn(&str, &str) -> String,
) -> Result<String, Unsayable> {
    let by = by(keys);
    match aggregator {
        SpaceAggregator::Percentile(percentile) => {
            let keys: Vec<String> = keys.iter().map(|key| format!(", {}", label(key))).collect();
            let buckets = format!("sum by (le{})({})", keys.concat(), over("rate", "_bucket"));
            Ok(format!(
                "histogram_quantile({}, {buckets})",
                percentile / 100.0
            ))
        }
        SpaceAggregator::Sum => Ok(format!("sum{by}({})", over("increase", "_sum"))),
        SpaceAggregator::Count => Ok(format!("sum{by}({})", over("increase", "_count"))),
        SpaceAggregator::Avg => Ok(format!(
            "(sum{by}({}) / sum{by}({}))",
            over("increase", "_sum"),
            over("increase", "_count")
        )),
        _ => Err("Prometheus keeps no extremes of a distribution".to_owned()),
    }
}

fn matcher(key: &str, value: &str, negated: bool) -> String {
    let sign = match (value.contains('*'), negated) {
        (false, false) => "=",
        (false, true) => "!=",
        (true, false) => "=~",
        (true, true) => "!~",
    };
    // Datadog keeps tags in lower case; methods are upper case where they are counted.
    let value = if key == "method" {
        value.to_uppercase()
    } else {
        value.to_owned()
    };
    let value = if value.contains('*') {
        pattern(&value)
    } else {
        value
    };
    format!("{}{sign}\"{value}\"", label(key))
}

/// A wildcard as a regular expression inside a quoted PromQL string.
fn pattern(value: &str) -> String {
    let escaped = value
        .replace('.', "\\\\.")
        .replace('+', "\\\\+")
        .replace('?', "\\\\?");
    escaped.replace('*', ".*")
}

fn by(keys: &[String]) -> String {
    if keys.is_empty() {
        return String::new();
    }
    let keys: Vec<String> = keys.iter().map(|key| label(key)).collect();
    format!(" by ({})", keys.join(", "))
}

fn plain(aggregator: SpaceAggregator) -> Result<&'static str, Unsayable> {
    Ok(match aggregator {
        SpaceAggregator::Avg => "avg",
        SpaceAggregator::Sum => "sum",
        SpaceAggregator::Min => "min",
        SpaceAggregator::Max => "max",
        SpaceAggregator::Count => "count",
        SpaceAggregator::Percentile(_) | SpaceAggregator::CountWhere(_) => {
            return Err("only a distribution has percentiles".to_owned());
        }
    })
}

fn sign(operator: Operator) -> &'static str {
    operator.text()
}
