//! Tree to text. The tree decides which tokens there are; a layout remembered from parsing supplies how each one was
//! spelled and spaced. A token that the tree changed since is printed plainly, its neighbours stay as they were.

use super::lex::Token;
use super::tree::{
    Alert, Argument, Call, Comparison, Condition, Expr, Filter, Link, Method, MetricAlert,
    MetricQuery, Operand, Reference, SpaceAggregator, Span, Term, Text, TimeAggregator, Value,
    Window,
};

/// The tokens of a tree in their plainest spelling.
#[derive(Debug, Default)]
pub(super) struct Pieces(Vec<Piece>);

#[derive(Debug)]
struct Piece {
    text: String,
    spaced: bool,
}

impl Pieces {
    fn push(&mut self, text: impl Into<String>) {
        self.0.push(Piece {
            text: text.into(),
            spaced: false,
        });
    }

    fn spaced(&mut self, text: impl Into<String>) {
        self.0.push(Piece {
            text: text.into(),
            spaced: true,
        });
    }

    /// A list with commas in parentheses.
    fn list<T>(&mut self, items: &[T], mut each: impl FnMut(&mut Self, &T)) {
        self.push("(");
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                self.push(",");
            }
            each(self, item);
        }
        self.push(")");
    }

    pub(super) fn canonical(&self) -> String {
        let mut text = String::new();
        for piece in &self.0 {
            if piece.spaced {
                text.push(' ');
            }
            text.push_str(&piece.text);
        }
        text.trim_start().to_owned()
    }
}

/// How a text was written, token by token.
#[derive(Debug, Clone)]
pub(super) struct Layout(Vec<Spelling>);

#[derive(Debug, Clone)]
struct Spelling {
    plain: String,
    space: String,
    written: String,
}

impl Layout {
    /// Pairs what the tree prints with what was read; the last token is the end of the text.
    pub(super) fn new(pieces: &Pieces, tokens: Vec<Token>) -> Self {
        let plain = pieces
            .0
            .iter()
            .map(|piece| piece.text.clone())
            .chain([String::new()]);
        let spellings = tokens
            .into_iter()
            .zip(plain)
            .map(|(token, plain)| Spelling {
                plain,
                space: token.space,
                written: token.text,
            });
        Self(spellings.collect())
    }

    pub(super) fn print(&self, pieces: &Pieces) -> String {
        // A tree that was changed in shape has lost its layout.
        if pieces.0.len() + 1 != self.0.len() {
            return pieces.canonical();
        }
        let mut text = String::new();
        for (piece, spelling) in pieces.0.iter().zip(&self.0) {
            text.push_str(&spelling.space);
            text.push_str(if piece.text == spelling.plain {
                &spelling.written
            } else {
                &piece.text
            });
        }
        if let Some(end) = self.0.last() {
            text.push_str(&end.space);
        }
        text
    }
}

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
            for (index, part) in search.source.split('-').enumerate() {
                if index > 0 {
                    out.push("-");
                }
                out.push(part);
            }
            out.push("(");
            text(&mut out, &search.search);
            out.push(")");
            chain(&mut out, &search.chain);
            comparison(&mut out, &search.comparison);
        }
        Alert::Formula(formula) => {
            out.push("formula");
            out.push("(");
            let quoted = &formula.quoted;
            let inner = quoted
                .layout
                .print(&expressions(std::slice::from_ref(&formula.expr)));
            out.push(format!("{0}{inner}{0}", quoted.quote));
            out.push(")");
            chain(&mut out, &formula.chain);
            comparison(&mut out, &formula.comparison);
        }
        Alert::Composite(composite) => condition(&mut out, composite),
        Alert::Slo(slo) => {
            out.push(if slo.burn_rate {
                "burn_rate"
            } else {
                "error_budget"
            });
            out.push("(");
            out.push(format!("{0}{1}{0}", slo.quote, reference("slo", &slo.slo)));
            out.push(")");
            chain(&mut out, &slo.chain);
            comparison(&mut out, &slo.comparison);
        }
    }
    out
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
        out.list(&link.args, |out, arg| match arg {
            Operand::Text(arg) => out.push(quoted(arg)),
            Operand::Number(arg) => out.push(number(*arg)),
        });
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
        let first = out.0.len();
        condition(out, item);
        if index > 0 {
            out.0[first].spaced = true;
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
                let next = out.0.len();
                expr(out, operand);
                out.0[next].spaced = true;
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
        let first = out.0.len();
        if index > 0 {
            out.0.push(Piece {
                text: separator.to_owned(),
                spaced: separator != ",",
            });
        }
        filter(out, item);
        if index > 0 && separator != "," {
            out.0[first + 1].spaced = true;
        }
    }
}
