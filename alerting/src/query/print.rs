//! Tree to tokens in their plainest spelling; a [`Layout`](super::layout::Layout) makes them look as they were written.

use super::layout::Pieces;
use super::tree::{
    Alert, Argument, Call, Comparison, Condition, Expr, Filter, Link, Method, MetricAlert,
    MetricQuery, Operand, Reference, SpaceAggregator, Span, Term, Text, TimeAggregator, Value,
    Window,
};

pub(super) fn alert(alert: &Alert) -> Pieces {
    let mut out = Pieces::default();
    match alert {
        Alert::Metric(metric) => metric_alert(&mut out, metric),
        Alert::Check(check) => {
            text(&mut out, &check.check);
            chain(&mut out, &check.chain);
            check
                .comparison
                .iter()
                .for_each(|compared| comparison(&mut out, compared));
        }
        Alert::Search(search) => {
            source(&mut out, &search.source);
            of_quoted(
                &mut out,
                quoted(&search.search),
                &search.chain,
                &search.comparison,
            );
        }
        Alert::Formula(formula) => {
            let inner = expressions(std::slice::from_ref(&formula.expr));
            let inner = formula.quoted.layout.print(&inner);
            out.push("formula");
            let argument = format!("{0}{inner}{0}", formula.quoted.quote);
            of_quoted(&mut out, argument, &formula.chain, &formula.comparison);
        }
        Alert::Composite(composite) => condition(&mut out, composite),
        Alert::Slo(slo) => {
            out.push(if slo.burn_rate {
                "burn_rate"
            } else {
                "error_budget"
            });
            let argument = format!("{0}{1}{0}", slo.quote, reference("slo", &slo.slo));
            of_quoted(&mut out, argument, &slo.chain, &slo.comparison);
        }
    }
    out
}

/// The words of a source are tokens of their own.
fn source(out: &mut Pieces, source: &str) {
    for (index, part) in source.split('-').enumerate() {
        if index > 0 {
            out.push("-");
        }
        out.push(part);
    }
}

/// `("…").chain() > 5`
fn of_quoted(out: &mut Pieces, argument: String, links: &[Link], compared: &Comparison) {
    out.push("(");
    out.push(argument);
    out.push(")");
    chain(out, links);
    comparison(out, compared);
}

pub(super) fn expressions(exprs: &[Expr]) -> Pieces {
    let mut out = Pieces::default();
    for (index, item) in exprs.iter().enumerate() {
        if index > 0 {
            out.push(",");
        }
        expr(&mut out, item);
    }
    out
}

fn metric_alert(out: &mut Pieces, alert: &MetricAlert) {
    if let Some(change) = &alert.change {
        out.push(if change.relative {
            "pct_change"
        } else {
            "change"
        });
        out.push("(");
    }
    out.push(time_aggregator(alert.aggregator));
    out.push("(");
    out.push(window(alert.window));
    out.push(")");
    if let Some(change) = &alert.change {
        out.push(",");
        out.push(window(change.against));
        out.push(")");
    }
    out.push(":");
    expr(out, &alert.expr);
    comparison(out, &alert.comparison);
}

fn time_aggregator(aggregator: TimeAggregator) -> &'static str {
    match aggregator {
        TimeAggregator::Avg => "avg",
        TimeAggregator::Sum => "sum",
        TimeAggregator::Min => "min",
        TimeAggregator::Max => "max",
        TimeAggregator::Percentile => "percentile",
    }
}

fn window(window: Window) -> String {
    let span = |span: Span| format!("{}{}", span.count, span.unit.text());
    match window {
        Window::Last(length) => format!("last_{}", span(length)),
        Window::Next(length) => format!("next_{}", span(length)),
        Window::Current(length) => format!("current_{}", span(length)),
        Window::Ago(distance) => format!("{}_ago", span(distance)),
    }
}

fn comparison(out: &mut Pieces, comparison: &Comparison) {
    out.spaced(comparison.comparator.text());
    if comparison.threshold.is_sign_negative() {
        out.spaced("-");
        out.push(number(-comparison.threshold));
    } else {
        out.spaced(number(comparison.threshold));
    }
}

fn number(value: f64) -> String {
    value.to_string()
}

fn text(out: &mut Pieces, text: &Text) {
    out.push(quoted(text));
}

fn quoted(text: &Text) -> String {
    format!("{0}{1}{0}", text.quote, text.content)
}

fn chain(out: &mut Pieces, chain: &[Link]) {
    for link in chain {
        out.push(".");
        out.push(&*link.name);
        out.list(&link.args, operand);
    }
}

fn operand(out: &mut Pieces, arg: &Operand) {
    match arg {
        Operand::Text(arg) => out.push(quoted(arg)),
        Operand::Number(arg) => out.push(number(*arg)),
        Operand::Word(word) => out.push(&**word),
        Operand::Named(name, value) => {
            out.push(&**name);
            out.push("=");
            operand(out, value);
        }
    }
}

fn condition(out: &mut Pieces, item: &Condition) {
    match item {
        Condition::Monitor(monitor) => out.push(reference("monitor", monitor)),
        Condition::Not(inner) => {
            out.push("!");
            condition(out, inner);
        }
        Condition::Group(inner) => {
            out.push("(");
            condition(out, inner);
            out.push(")");
        }
        Condition::All(items) => conditions(out, items, "&&"),
        Condition::Any(items) => conditions(out, items, "||"),
    }
}

fn conditions(out: &mut Pieces, items: &[Condition], operator: &str) {
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.spaced(operator);
        }
        let first = out.len();
        condition(out, item);
        if index > 0 {
            out.space_at(first);
        }
    }
}

fn reference(word: &str, reference: &Reference) -> String {
    match reference {
        Reference::Id(id) => id.clone(),
        Reference::Key(key) => format!("${{{word}:{key}}}"),
    }
}

fn expr(out: &mut Pieces, item: &Expr) {
    match item {
        Expr::Number(value) => out.push(number(*value)),
        Expr::Variable(name) => out.push(name.as_str()),
        Expr::Metric(query) => metric(out, query),
        Expr::Call(Call { function, args }) => {
            out.push(function.as_str());
            out.list(args, argument);
        }
        Expr::Group(inner) => {
            out.push("(");
            expr(out, inner);
            out.push(")");
        }
        Expr::Negate(inner) => {
            out.push("-");
            expr(out, inner);
        }
        Expr::Arithmetic { first, rest } => {
            expr(out, first);
            for (operator, operand) in rest {
                out.spaced(operator.text());
                let next = out.len();
                expr(out, operand);
                out.space_at(next);
            }
        }
    }
}

fn argument(out: &mut Pieces, arg: &Argument) {
    if let Some(name) = &arg.name {
        out.push(name.as_str());
        out.push("=");
    }
    match &arg.value {
        Value::Text(value) => text(out, value),
        Value::Word(word) => out.push(word.as_str()),
        Value::Expr(value) => expr(out, value),
    }
}

fn metric(out: &mut Pieces, query: &MetricQuery) {
    if let Some(aggregator) = query.aggregator {
        space_aggregator(out, aggregator);
        out.push(":");
    }
    out.push(query.name.as_str());
    out.push("{");
    filter(out, &query.filter);
    out.push("}");
    if !query.by.is_empty() {
        out.spaced("by");
        for (index, key) in query.by.iter().enumerate() {
            if index == 0 {
                out.spaced("{");
            } else {
                out.push(",");
            }
            out.push(key.as_str());
        }
        out.push("}");
    }
    for Method { name, args } in &query.methods {
        out.push(".");
        out.push(name.text());
        out.list(args, argument);
    }
}

fn space_aggregator(out: &mut Pieces, aggregator: SpaceAggregator) {
    match aggregator {
        SpaceAggregator::Avg => out.push("avg"),
        SpaceAggregator::Sum => out.push("sum"),
        SpaceAggregator::Min => out.push("min"),
        SpaceAggregator::Max => out.push("max"),
        SpaceAggregator::Count => out.push("count"),
        SpaceAggregator::Percentile(percentile) => out.push(format!("p{percentile}")),
        SpaceAggregator::CountWhere(compared) => {
            for piece in ["count", "(", "v", ":"] {
                out.push(piece);
            }
            out.spaced("v");
            comparison(out, &compared);
            out.push(")");
        }
    }
}

fn filter(out: &mut Pieces, item: &Filter) {
    match item {
        Filter::Term(Term::Everything) => out.push("*"),
        Filter::Term(Term::Tag { key, value }) => out.push(format!("{key}:{value}")),
        Filter::Term(Term::Bare(tag)) => out.push(tag.as_str()),
        Filter::Term(Term::Variable(name)) => out.push(format!("${name}")),
        Filter::Not(inner) => {
            out.push("!");
            filter(out, inner);
        }
        Filter::Group(inner) => {
            out.push("(");
            filter(out, inner);
            out.push(")");
        }
        Filter::All(items) => filters(out, items, ","),
        Filter::Any(items) => filters(out, items, "OR"),
        Filter::In {
            key,
            negated,
            values,
        } => {
            out.push(key.as_str());
            if *negated {
                out.spaced("NOT");
            }
            out.spaced("IN");
            out.spaced("(");
            for (index, value) in values.iter().enumerate() {
                if index > 0 {
                    out.push(",");
                }
                out.push(value.as_str());
            }
            out.push(")");
        }
    }
}

fn filters(out: &mut Pieces, items: &[Filter], separator: &str) {
    for (index, item) in items.iter().enumerate() {
        let first = out.len();
        if index > 0 {
            if separator == "," {
                out.push(separator);
            } else {
                out.spaced(separator);
            }
        }
        filter(out, item);
        if index > 0 && separator != "," {
            out.space_at(first + 1);
        }
    }
}
