//! Expressions over metrics: arithmetic, functions, metric queries with their methods.

use winnow::Parser;
use winnow::combinator::{alt, cut_err, delimited, opt, preceded, repeat, separated};
use winnow::stream::Stream;

use super::filter::{filter, group_keys};
use super::input::{
    Fault, Input, Parsed, finite, list1, number, punctuation, run, sees, text, word,
};
use crate::query::error::QueryError;
use crate::query::lex::{Token, TokenKind};
use crate::query::tree::{
    Argument, Call, Comparator, Comparison, Expr, Method, MethodName, MetricQuery, Operator,
    SpaceAggregator, Value,
};

/// Every function of the language.
pub const FUNCTIONS: &[&str] = &[
    "abs",
    "anomalies",
    "autosmooth",
    "avg_by",
    "calendar_shift",
    "ceil",
    "clamp_max",
    "clamp_min",
    "count_nonzero",
    "count_not_null",
    "cumsum",
    "cutoff_max",
    "cutoff_min",
    "day_before",
    "default_zero",
    "derivative",
    "diff",
    "dt",
    "ewma_10",
    "ewma_20",
    "ewma_3",
    "ewma_5",
    "ewma_7",
    "exclude_null",
    "fill",
    "floor",
    "forecast",
    "hour_before",
    "integral",
    "log10",
    "log2",
    "max_by",
    "median_3",
    "median_5",
    "median_7",
    "median_9",
    "min_by",
    "minimum",
    "maximum",
    "monotonic_diff",
    "month_before",
    "moving_rollup",
    "outliers",
    "per_hour",
    "per_minute",
    "per_second",
    "piecewise_constant",
    "quarter_before",
    "rate",
    "robust_trend",
    "rollup",
    "round",
    "sum_by",
    "throughput",
    "timeshift",
    "top",
    "top10",
    "top15",
    "top20",
    "top5",
    "top_offset",
    "trend_line",
    "bottom",
    "bottom10",
    "bottom15",
    "bottom20",
    "bottom5",
    "week_before",
    "weighted",
    "year_before",
];

/// A text of one expression or several, separated by commas.
pub(in crate::query) fn whole(tokens: &[Token], length: usize) -> Result<Vec<Expr>, QueryError> {
    run(list1(expr, punctuation(",")), tokens, length)
}

/// A sum of products.
pub(super) fn expr(input: &mut Input<'_>) -> Parsed<Expr> {
    let first = product(input)?;
    let rest: Vec<_> = repeat(
        0..,
        (
            operator([Operator::Add, Operator::Subtract]),
            cut_err(product),
        ),
    )
    .parse_next(input)?;
    Ok(arithmetic(first, rest))
}

fn product(input: &mut Input<'_>) -> Parsed<Expr> {
    let first = operand(input)?;
    let rest: Vec<_> = repeat(
        0..,
        (
            operator([Operator::Multiply, Operator::Divide]),
            cut_err(operand),
        ),
    )
    .parse_next(input)?;
    Ok(arithmetic(first, rest))
}

fn arithmetic(first: Expr, rest: Vec<(Operator, Expr)>) -> Expr {
    if rest.is_empty() {
        first
    } else {
        Expr::Arithmetic {
            first: Box::new(first),
            rest,
        }
    }
}

fn operator<'t>(
    which: [Operator; 2],
) -> impl Parser<Input<'t>, Operator, winnow::error::ErrMode<Fault>> {
    let [one, other] = which;
    alt((
        punctuation(one.text()).value(one),
        punctuation(other.text()).value(other),
    ))
}

fn operand(input: &mut Input<'_>) -> Parsed<Expr> {
    let Some(token) = input.first() else {
        return word.map(Expr::from).context(OPERAND).parse_next(input);
    };
    match (token.kind, token.text.as_str()) {
        (TokenKind::Number, _) => number.map(Expr::Number).parse_next(input),
        (TokenKind::Punctuation, "(") => {
            let inner = delimited(punctuation("("), cut_err(expr), cut_err(punctuation(")")));
            inner
                .map(|inner| Expr::Group(Box::new(inner)))
                .parse_next(input)
        }
        (TokenKind::Punctuation, "-") => preceded(punctuation("-"), cut_err(unsigned))
            .map(|inner| Expr::Negate(Box::new(inner)))
            .parse_next(input),
        _ => named(input),
    }
}

/// One minus is enough; a row of them would be recursion without a bound.
fn unsigned(input: &mut Input<'_>) -> Parsed<Expr> {
    if sees(input, "-") {
        return Err(Fault::cut(
            input.eof_offset(),
            "one `-` is enough; write it once or use parentheses",
        ));
    }
    operand(input)
}

const OPERAND: &str = "a metric, a function, a number or `(`";

/// What begins with a word: a metric query, a function or a variable. The token after the word decides.
fn named(input: &mut Input<'_>) -> Parsed<Expr> {
    let start = input.checkpoint();
    let left = input.eof_offset();
    let name = word.context(OPERAND).parse_next(input)?;
    let kind = if sees(input, ":") || sees(input, "{") {
        Named::Metric
    } else if !sees(input, "(") {
        Named::Variable
    } else if name == "count" {
        Named::Metric
    } else {
        Named::Call
    };
    match kind {
        Named::Variable => Ok(Expr::from(name)),
        Named::Metric => {
            input.reset(&start);
            cut_err(metric).map(Expr::Metric).parse_next(input)
        }
        Named::Call if FUNCTIONS.contains(&name) => {
            let args = cut_err(arguments(argument)).parse_next(input)?;
            Ok(Expr::Call(Call {
                function: name.to_owned(),
                args,
            }))
        }
        Named::Call => Err(Fault::cut(left, unknown("function", name, FUNCTIONS))),
    }
}

enum Named {
    Variable,
    Metric,
    Call,
}

impl From<&str> for Expr {
    fn from(name: &str) -> Self {
        Self::Variable(name.to_owned())
    }
}

/// Longest list of names that an error repeats.
const LISTED_MAX: usize = 12;

pub(super) fn unknown(what: &str, name: &str, known: &[&'static str]) -> String {
    match checked_yaml::closest(name, known.iter().copied()) {
        Some(close) => format!("there is no {what} `{name}`; did you mean `{close}`?"),
        None if known.len() <= LISTED_MAX => format!(
            "there is no {what} `{name}`; there are {}",
            known.join(", ")
        ),
        None => format!("there is no {what} `{name}`"),
    }
}

fn metric(input: &mut Input<'_>) -> Parsed<MetricQuery> {
    let aggregator = opt(space_aggregator).parse_next(input)?;
    let name = word
        .context("a metric's name")
        .parse_next(input)?
        .to_owned();
    let filter = delimited(
        punctuation("{").context("`{` with the metric's scope"),
        filter,
        punctuation("}"),
    );
    let filter = cut_err(filter).parse_next(input)?;
    let by = opt(group_keys).parse_next(input)?.unwrap_or_default();
    let methods = repeat(0.., method).parse_next(input)?;
    Ok(MetricQuery {
        aggregator,
        name,
        filter,
        by,
        methods,
    })
}

fn space_aggregator(input: &mut Input<'_>) -> Parsed<SpaceAggregator> {
    let start = input.checkpoint();
    let left = input.eof_offset();
    let name = word(input)?;
    if name == "count" && sees(input, "(") {
        let condition = (
            punctuation("("),
            word,
            punctuation(":"),
            word,
            comparison,
            punctuation(")"),
            punctuation(":"),
        );
        return cut_err(condition)
            .map(|parts| SpaceAggregator::CountWhere(parts.4))
            .parse_next(input);
    }
    if !sees(input, ":") {
        input.reset(&start);
        return word.verify_map(|_| None).parse_next(input);
    }
    let aggregator = match name {
        "avg" => SpaceAggregator::Avg,
        "sum" => SpaceAggregator::Sum,
        "min" => SpaceAggregator::Min,
        "max" => SpaceAggregator::Max,
        "count" => SpaceAggregator::Count,
        _ => percentile(name).ok_or_else(|| {
            let known = [
                "avg", "sum", "min", "max", "count", "p50", "p75", "p90", "p95", "p99",
            ];
            Fault::cut(left, unknown("space aggregation", name, &known))
        })?,
    };
    punctuation(":").value(aggregator).parse_next(input)
}

fn percentile(name: &str) -> Option<SpaceAggregator> {
    let digits = name
        .strip_prefix('p')
        .filter(|digits| digits.starts_with(|c: char| c.is_ascii_digit()))?;
    finite(digits)
        .filter(|value| (0.0..=100.0).contains(value))
        .map(SpaceAggregator::Percentile)
}

fn method(input: &mut Input<'_>) -> Parsed<Method> {
    punctuation(".").parse_next(input)?;
    let left = input.eof_offset();
    let name = cut_err(word).parse_next(input)?;
    let Some(known) = MethodName::ALL
        .into_iter()
        .find(|method| method.text() == name)
    else {
        let known = MethodName::ALL.map(MethodName::text);
        return Err(Fault::cut(left, unknown("method", name, &known)));
    };
    let args = cut_err(arguments(method_argument)).parse_next(input)?;
    Ok(Method { name: known, args })
}

fn arguments<'t>(
    each: fn(&mut Input<'t>) -> Parsed<Argument>,
) -> impl Parser<Input<'t>, Vec<Argument>, winnow::error::ErrMode<Fault>> {
    delimited(
        punctuation("("),
        separated(0.., each, punctuation(",")),
        punctuation(")"),
    )
}

fn argument(input: &mut Input<'_>) -> Parsed<Argument> {
    let name = opt(argument_name).parse_next(input)?;
    let value = alt((text.map(Value::Text), expr.map(Value::Expr))).parse_next(input)?;
    Ok(Argument { name, value })
}

/// In a method a bare word is a setting, such as `zero`, and never a variable.
fn method_argument(input: &mut Input<'_>) -> Parsed<Argument> {
    let name = opt(argument_name).parse_next(input)?;
    let word = word.map(|word| Value::Word(word.to_owned()));
    let value = alt((text.map(Value::Text), word, expr.map(Value::Expr))).parse_next(input)?;
    Ok(Argument { name, value })
}

fn argument_name(input: &mut Input<'_>) -> Parsed<String> {
    (word, punctuation("="))
        .map(|(name, _)| name.to_owned())
        .parse_next(input)
}

pub(super) fn comparison(input: &mut Input<'_>) -> Parsed<Comparison> {
    let comparator = alt((
        punctuation(">").value(Comparator::Above),
        punctuation(">=").value(Comparator::AboveOrEqual),
        punctuation("<").value(Comparator::Below),
        punctuation("<=").value(Comparator::BelowOrEqual),
        punctuation("==").value(Comparator::Equal),
        punctuation("!=").value(Comparator::NotEqual),
    ))
    .context("a comparison such as `> 5`")
    .parse_next(input)?;
    let minus = opt(punctuation("-")).parse_next(input)?;
    let value = cut_err(number.context("a number to compare with")).parse_next(input)?;
    Ok(Comparison {
        comparator,
        threshold: if minus.is_some() { -value } else { value },
    })
}
