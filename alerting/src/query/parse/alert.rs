//! A monitor's whole query. Its first tokens decide which kind it is, so that errors speak about that kind.

use winnow::Parser;
use winnow::combinator::{alt, cut_err, delimited, opt, preceded, separated};
use winnow::stream::Stream;

use super::expr::{self, comparison, expr, unknown};
use super::input::{
    Fault, Input, Parsed, list1, number, of_kind, punctuation, run, sees, text, word,
};
use crate::query::error::QueryError;
use crate::query::layout::Layout;
use crate::query::lex::{Token, TokenKind, lex};
use crate::query::print;
use crate::query::tree::{
    Alert, Change, CheckAlert, Condition, FormulaAlert, Link, MetricAlert, Operand, Quoted,
    Reference, SearchAlert, SloAlert, Span, TimeAggregator, Window,
};

/// What can be searched.
pub const SOURCES: &[&str] = &[
    "audits",
    "ci-pipelines",
    "ci-tests",
    "cost",
    "database-monitoring",
    "error-tracking",
    "error-tracking-logs",
    "error-tracking-rum",
    "error-tracking-traces",
    "events",
    "logs",
    "network",
    "network-performance",
    "processes",
    "product-analytics",
    "rum",
    "security-signals",
    "software-catalog",
    "spans",
    "trace-analytics",
];

const CHECK_LINKS: &[&str] = &[
    "over",
    "exclude",
    "by",
    "last",
    "count_by_status",
    "pct_by_status",
];
const SEARCH_LINKS: &[&str] = &[
    "index", "indexes", "storage", "source", "new", "impact", "over", "rollup", "by", "last",
    "current", "next",
];
const FORMULA_LINKS: &[&str] = &["rollup", "by", "last", "current", "next", "anomaly"];
const SLO_LINKS: &[&str] = &["over", "long_window", "short_window"];

const BEGINNINGS: &str = "a query begins with avg(…):, sum(…):, min(…):, max(…):, percentile(…):, change(…):, \
     pct_change(…):, a quoted service check, logs(…) or another search, formula(…), error_budget(…), burn_rate(…), or \
     the monitors of a composite";

/// A text of one monitor's query.
pub(in crate::query) fn whole(tokens: &[Token], length: usize) -> Result<Alert, QueryError> {
    run(alert, tokens, length)
}

fn alert(input: &mut Input<'_>) -> Parsed<Alert> {
    let left = input.eof_offset();
    let Some(first) = input.first() else {
        return Err(Fault::cut(
            left,
            format!("the query is empty; {BEGINNINGS}"),
        ));
    };
    match (first.kind, first.text.as_str()) {
        (TokenKind::Text, _) => cut_err(check).map(Alert::Check).parse_next(input),
        (TokenKind::Word, "formula") => cut_err(formula).map(Alert::Formula).parse_next(input),
        (TokenKind::Word, "error_budget" | "burn_rate") => {
            cut_err(slo).map(Alert::Slo).parse_next(input)
        }
        (TokenKind::Word, "change" | "pct_change") => {
            cut_err(change).map(Alert::Metric).parse_next(input)
        }
        (TokenKind::Word, name) if time_aggregator_of(name).is_some() => {
            cut_err(metric).map(Alert::Metric).parse_next(input)
        }
        (TokenKind::Word, _) => search(input).map(Alert::Search),
        (TokenKind::Number | TokenKind::Link, _) | (_, "!" | "(") => {
            cut_err(any_of).map(Alert::Composite).parse_next(input)
        }
        (_, text) => Err(Fault::cut(
            left,
            format!("a query cannot begin with `{text}`; {BEGINNINGS}"),
        )),
    }
}

fn metric(input: &mut Input<'_>) -> Parsed<MetricAlert> {
    let (aggregator, window) = timed(input)?;
    metric_body(input, aggregator, window, None)
}

/// `change(avg(last_5m),last_1h):…`
fn change(input: &mut Input<'_>) -> Parsed<MetricAlert> {
    let relative = word(input)? == "pct_change";
    let (_, (aggregator, window), _, against, _) = (
        punctuation("("),
        timed,
        punctuation(","),
        window,
        punctuation(")"),
    )
        .parse_next(input)?;
    metric_body(
        input,
        aggregator,
        window,
        Some(Change { relative, against }),
    )
}

fn metric_body(
    input: &mut Input<'_>,
    aggregator: TimeAggregator,
    window: Window,
    change: Option<Change>,
) -> Parsed<MetricAlert> {
    let (_, expr, comparison) = (punctuation(":"), expr, comparison).parse_next(input)?;
    Ok(MetricAlert {
        aggregator,
        window,
        change,
        expr,
        comparison,
    })
}

/// `avg(last_5m)`
fn timed(input: &mut Input<'_>) -> Parsed<(TimeAggregator, Window)> {
    let aggregator = word
        .verify_map(time_aggregator_of)
        .context("avg, sum, min, max or percentile");
    (
        aggregator,
        delimited(punctuation("("), window, punctuation(")")),
    )
        .parse_next(input)
}

fn time_aggregator_of(name: &str) -> Option<TimeAggregator> {
    Some(match name {
        "avg" => TimeAggregator::Avg,
        "sum" => TimeAggregator::Sum,
        "min" => TimeAggregator::Min,
        "max" => TimeAggregator::Max,
        "percentile" => TimeAggregator::Percentile,
        _ => return None,
    })
}

fn window(input: &mut Input<'_>) -> Parsed<Window> {
    word.verify_map(window_of)
        .context("a window such as `last_5m`")
        .parse_next(input)
}

fn window_of(text: &str) -> Option<Window> {
    if let Some(span) = text.strip_suffix("_ago") {
        return Span::parse(span).map(Window::Ago);
    }
    let (kind, span) = text.split_once('_')?;
    let span = Span::parse(span)?;
    match kind {
        "last" => Some(Window::Last(span)),
        "next" => Some(Window::Next(span)),
        "current" => Some(Window::Current(span)),
        _ => None,
    }
}

fn check(input: &mut Input<'_>) -> Parsed<CheckAlert> {
    let check = text(input)?;
    let chain = chain(input, CHECK_LINKS)?;
    let compared = !input.is_empty();
    let comparison = opt(comparison).parse_next(input)?;
    if compared && comparison.is_none() {
        return word
            .verify_map(|_| None)
            .context("a comparison or the end of the query")
            .parse_next(input);
    }
    Ok(CheckAlert {
        check,
        chain,
        comparison,
    })
}

fn search(input: &mut Input<'_>) -> Parsed<SearchAlert> {
    let left = input.eof_offset();
    let source: Vec<&str> = separated(1.., word, punctuation("-")).parse_next(input)?;
    let source = source.join("-");
    if !SOURCES.contains(&source.as_str()) {
        return Err(Fault::cut(
            left,
            format!("{}; {BEGINNINGS}", unknown("query", &source, SOURCES)),
        ));
    }
    let search = cut_err(delimited(punctuation("("), text, punctuation(")"))).parse_next(input)?;
    let chain = chain(input, SEARCH_LINKS)?;
    let comparison = cut_err(comparison).parse_next(input)?;
    Ok(SearchAlert {
        source,
        search,
        chain,
        comparison,
    })
}

fn formula(input: &mut Input<'_>) -> Parsed<FormulaAlert> {
    (word, punctuation("(")).parse_next(input)?;
    let left = input.eof_offset();
    let quoted = text(input)?;
    let inner = |error: QueryError| Fault::cut(left, format!("in the formula: {}", error.message));
    let tokens = lex(&quoted.content).map_err(inner)?;
    let mut exprs = expr::whole(&tokens, quoted.content.len()).map_err(inner)?;
    let layout = Layout::new(&print::expressions(&exprs), tokens);
    let Some(expr) = exprs.pop().filter(|_| exprs.is_empty()) else {
        return Err(Fault::cut(
            left,
            "a formula is one expression; remove the comma",
        ));
    };
    punctuation(")").parse_next(input)?;
    let chain = chain(input, FORMULA_LINKS)?;
    let comparison = comparison(input)?;
    Ok(FormulaAlert {
        expr,
        quoted: Quoted {
            quote: quoted.quote,
            layout,
        },
        chain,
        comparison,
    })
}

fn slo(input: &mut Input<'_>) -> Parsed<SloAlert> {
    let burn_rate = word(input)? == "burn_rate";
    let id = delimited(
        punctuation("("),
        text.context("an SLO in quotes"),
        punctuation(")"),
    )
    .parse_next(input)?;
    let chain = chain(input, SLO_LINKS)?;
    let comparison = comparison(input)?;
    let slo = match key_of(&id.content, "slo") {
        Some(key) => Reference::Key(key),
        None => Reference::Id(id.content),
    };
    Ok(SloAlert {
        burn_rate,
        slo,
        quote: id.quote,
        chain,
        comparison,
    })
}

fn key_of(text: &str, word: &str) -> Option<String> {
    let inner = text.strip_prefix("${")?.strip_suffix('}')?;
    inner
        .strip_prefix(word)?
        .strip_prefix(':')
        .map(str::to_owned)
}

/// `.name(arguments)` any number of times, only with names that the query's kind has.
fn chain(input: &mut Input<'_>, known: &'static [&'static str]) -> Parsed<Vec<Link>> {
    let mut links = Vec::new();
    while sees(input, ".") {
        punctuation(".").parse_next(input)?;
        let left = input.eof_offset();
        let name = cut_err(word).parse_next(input)?;
        if !known.contains(&name) {
            let known = known.join(", ");
            return Err(Fault::cut(
                left,
                format!("`.{name}(…)` cannot stand here; there are {known}"),
            ));
        }
        let operands = separated(0.., operand, punctuation(","));
        let args =
            cut_err(delimited(punctuation("("), operands, punctuation(")"))).parse_next(input)?;
        links.push(Link {
            name: name.to_owned(),
            args,
        });
    }
    Ok(links)
}

fn operand(input: &mut Input<'_>) -> Parsed<Operand> {
    let named = (word, punctuation("="), value);
    let named = named.map(|(name, _, value)| Operand::Named(name.to_owned(), Box::new(value)));
    alt((named, value)).parse_next(input)
}

fn value(input: &mut Input<'_>) -> Parsed<Operand> {
    let word = word.map(|word| Operand::Word(word.to_owned()));
    alt((text.map(Operand::Text), number.map(Operand::Number), word)).parse_next(input)
}

fn any_of(input: &mut Input<'_>) -> Parsed<Condition> {
    list1(all_of, punctuation("||"))
        .map(|items| joined(items, Condition::Any))
        .parse_next(input)
}

fn all_of(input: &mut Input<'_>) -> Parsed<Condition> {
    list1(one_of, punctuation("&&"))
        .map(|items| joined(items, Condition::All))
        .parse_next(input)
}

fn joined(mut items: Vec<Condition>, join: fn(Vec<Condition>) -> Condition) -> Condition {
    match items.pop() {
        Some(only) if items.is_empty() => only,
        last => {
            items.extend(last);
            join(items)
        }
    }
}

fn one_of(input: &mut Input<'_>) -> Parsed<Condition> {
    if opt(punctuation("!")).parse_next(input)?.is_some() {
        return cut_err(operand_of)
            .map(|inner| Condition::Not(Box::new(inner)))
            .parse_next(input);
    }
    operand_of(input)
}

fn operand_of(input: &mut Input<'_>) -> Parsed<Condition> {
    let group = preceded(punctuation("("), cut_err((any_of, punctuation(")"))));
    let group = group.map(|(inner, _)| Condition::Group(Box::new(inner)));
    let id = of_kind(TokenKind::Number).verify_map(|token| {
        token
            .text
            .bytes()
            .all(|byte| byte.is_ascii_digit())
            .then(|| Reference::Id(token.text.clone()))
    });
    let key = of_kind(TokenKind::Link)
        .verify_map(|token| key_of(&token.text, "monitor").map(Reference::Key));
    let monitor = alt((id, key));
    alt((group, monitor.map(Condition::Monitor)))
        .context("a monitor: its id or ${monitor:name}")
        .parse_next(input)
}
