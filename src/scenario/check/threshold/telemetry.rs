//! Thresholds on what the system tells of itself: `max:ecommerce.queue.dlq_depth{*} < 1 in recovery`.
//!
//! Grammar: QUERY OPERATOR NUMBER [in PHASE | in every DURATION].

use std::ops::Range;
use std::time::Duration;

use alerting::evaluate::Plan;
use alerting::evaluate::series::INTERVAL_S;
use alerting::query::{Expression, QueryError};

use super::words::Words;
use super::{Reader, Slip, kept, operator};
use crate::scenario::check::units;
use crate::scenario::{Measure, Op, Over, Subject, Threshold};

const EXAMPLE: &str = "for example `max:ecommerce.queue.dlq_depth{*} < 1 in recovery`";

/// Shortest phase that surely holds a whole recorded interval.
const PHASE_MIN: Duration = Duration::from_secs(2 * INTERVAL_S as u64);

/// Whether a threshold asks for a metric: it has a scope in braces, and what stands before that is no `FIGURE of STEP`.
pub(super) fn is_meant(text: &str) -> bool {
    let Some((before, _)) = text.split_once('{') else {
        return false;
    };
    !before.contains(" of ") && !before.contains(['<', '>']) || before.contains("count(v")
}

pub(super) fn parse(whole: Words<'_>, reader: &Reader<'_>) -> Result<Threshold, Vec<Slip>> {
    let Some((query, op, right)) = split(whole).or_else(|| split_anywhere(whole)) else {
        return Err(vec![
            Slip::new(whole.range(), "a threshold compares a query with a limit")
                .label("no `<`, `<=`, `>`, `>=` or `is` behind it")
                .help(EXAMPLE),
        ]);
    };
    let (value, over) = match right.find(" in ") {
        Some(at) => (right.before(at), Some(right.after(at + 4))),
        None => (right, None),
    };
    let mut slips = Vec::new();
    let expression = kept(expression(query), &mut slips);
    let limit = kept(limit(value), &mut slips);
    let over = over.map_or(Ok(Over::Run), |over| recorded(reader, over));
    let over = kept(over, &mut slips);
    match (expression, limit, over) {
        (Some(expression), Some(limit), Some(over)) => Ok(Threshold {
            text: whole.text().to_owned(),
            measure: Measure::Telemetry(expression),
            subject: Subject::Run,
            op,
            limit,
            over,
        }),
        _ => Err(slips),
    }
}

/// Splits at the first comparison that stands outside of parentheses, braces and quotes.
fn split(whole: Words<'_>) -> Option<(Words<'_>, Op, Words<'_>)> {
    let text = whole.text();
    let (mut depth, mut quote) = (0_i32, None);
    for (at, char) in text.char_indices() {
        match char {
            _ if quote == Some(char) => quote = None,
            _ if quote.is_some() => {}
            '\'' | '"' => quote = Some(char),
            '(' | '{' => depth += 1,
            ')' | '}' => depth -= 1,
            '<' | '>' | '=' if depth == 0 => {
                let (length, op) = operator(&text[at..])?;
                return Some((whole.before(at), op, whole.after(at + length)));
            }
            ' ' if depth == 0 && text[at..].starts_with(" is ") => {
                return Some((whole.before(at), Op::Equal, whole.after(at + 4)));
            }
            _ => {}
        }
    }
    None
}

/// Of a query whose parentheses are wrong: its own mistake is the one to be told.
fn split_anywhere(whole: Words<'_>) -> Option<(Words<'_>, Op, Words<'_>)> {
    let at = whole.text().find(['<', '>'])?;
    let (length, op) = operator(&whole.text()[at..])?;
    Some((whole.before(at), op, whole.after(at + length)))
}

/// A query that can be evaluated.
fn expression(query: Words<'_>) -> Result<Expression, Slip> {
    let slip = |error: QueryError| {
        let end = query.text().len();
        let at = error.at.start.min(end.saturating_sub(1))..error.at.end.min(end);
        let at: Range<usize> = match at.is_empty() {
            true => at.start..(at.start + 1).min(end),
            false => at,
        };
        Slip::new(query.start + at.start..query.start + at.end, error.message)
            .label("in this query")
            .help("what can be asked is in docs/metric-queries.md")
    };
    let expression = Expression::parse(query.text()).map_err(slip)?;
    if expression.exprs.len() != 1 {
        return Err(Slip::new(query.range(), "these are several queries")
            .label("separated by commas")
            .help("write a threshold for each"));
    }
    Plan::of(&expression).map_err(slip)?;
    Ok(expression)
}

fn limit(value: Words<'_>) -> Result<f64, Slip> {
    let (sign, digits) = match value.text().strip_prefix('-') {
        Some(digits) => (-1.0, digits),
        None => (1.0, value.text()),
    };
    units::finite(digits)
        .map(|number| sign * number)
        .ok_or_else(|| {
            let shown = match value.text() {
                "" => "nothing".to_owned(),
                text => format!("`{text}`"),
            };
            Slip::new(
                value.range(),
                format!("a query is compared with a number, not with {shown}"),
            )
            .label("expected a number, in the metric's own unit")
            .help(EXAMPLE)
        })
}

/// A part of the run that whole recorded intervals fit into.
fn recorded(reader: &Reader<'_>, words: Words<'_>) -> Result<Over, Slip> {
    let over = reader.over(words)?;
    match &over {
        Over::Every(length) if length.as_millis() % (1_000 * u128::from(INTERVAL_S)) != 0 => {
            Err(Slip::new(
                words.range(),
                format!("metrics are recorded in intervals of {INTERVAL_S} s"),
            )
            .label("no multiple of them")
            .help("for example `in every 30s`"))
        }
        Over::Phase(index) => match reader.phase_length(*index) {
            Some(length) if length < PHASE_MIN => Err(Slip::new(
                words.range(),
                format!("metrics are recorded in intervals of {INTERVAL_S} s, and this phase may hold no whole one"),
            )
            .label("too short a phase")
            .help(format!("make it at least {} long", units::show_duration(PHASE_MIN)))),
            _ => Ok(over),
        },
        _ => Ok(over),
    }
}
