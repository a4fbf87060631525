//! `${…}`: from text to compiled templates.
//!
//! Each hole is parsed by itself, so that every mistake of a text is found. Must not know: where the text stands.

mod known;

use std::ops::Range;

use super::names::{Names, Scope};
use super::slip::Slip;
use crate::scenario::Literal;
use crate::template::{Encoding, Expr, Generator, Part, Template, Value};
use checked_yaml::did_you_mean;
use known::{CALLS, CARD, PERSON, PLAIN, card, person, plain};

/// Whether a variable may not be called so.
pub(super) fn is_reserved(name: &str) -> bool {
    PLAIN.contains(&name) || CALLS.contains(&name) || ["person", "card"].contains(&name)
}

/// What names mean at some point of a scenario.
#[derive(Clone, Copy)]
pub(super) struct Meaning<'a> {
    pub(super) names: &'a Names,
    /// Variables that may be set here; `None` allows no variable at all.
    pub(super) scope: &'a Scope,
}

/// A text's pieces.
enum Piece<'t> {
    Text(&'t str),
    Hole { inner: &'t str, at: usize },
}

/// Collects parts, joining neighbouring texts.
#[derive(Default)]
pub(super) struct Parts {
    parts: Vec<Part>,
    text: String,
}

impl Parts {
    pub(super) fn text(&mut self, text: &str) {
        self.text.push_str(text);
    }

    pub(super) fn value(&mut self, expr: Expr, encoding: Encoding) {
        self.flush();
        self.parts.push(Part::Value(expr, encoding));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.parts.is_empty() && self.text.is_empty()
    }

    pub(super) fn finish(mut self) -> Template {
        self.flush();
        Template { parts: self.parts }
    }

    fn flush(&mut self) {
        if !self.text.is_empty() {
            self.parts
                .push(Part::Text(std::mem::take(&mut self.text).into()));
        }
    }
}

impl Meaning<'_> {
    /// Compiles a text; every value is written with `encoding`.
    pub(super) fn template(&self, text: &str, encoding: Encoding) -> Result<Template, Vec<Slip>> {
        let mut parts = Parts::default();
        self.append(text, &mut parts, |_| encoding, str::to_owned)?;
        Ok(parts.finish())
    }

    /// Compiles a text into `parts`; `encoding` is asked for each value whether it comes first, `escape` is applied to
    /// constant text.
    pub(super) fn append(
        &self,
        text: &str,
        parts: &mut Parts,
        encoding: impl Fn(bool) -> Encoding,
        escape: impl Fn(&str) -> String,
    ) -> Result<(), Vec<Slip>> {
        let mut slips = Vec::new();
        for piece in pieces(text, &mut slips) {
            match piece {
                Piece::Text(text) => parts.text(&escape(text)),
                Piece::Hole { inner, at } => match self.expr(inner, at) {
                    // Known already: what is the same each time is made once.
                    Ok(Expr::Constant(value @ Value::Text(_))) => {
                        let mut written = Vec::new();
                        let scalar = value.as_scalar();
                        scalar.write(encoding(parts.is_empty()), &mut written);
                        parts.text(&String::from_utf8_lossy(&written));
                    }
                    Ok(expr) => parts.value(expr, encoding(parts.is_empty())),
                    Err(slip) => slips.push(slip),
                },
            }
        }
        if slips.is_empty() { Ok(()) } else { Err(slips) }
    }

    /// Compiles a value: a text that is one hole keeps the hole's type.
    pub(super) fn value(&self, text: &str) -> Result<Expr, Vec<Slip>> {
        let mut slips = Vec::new();
        let found = pieces(text, &mut slips);
        match found.as_slice() {
            [Piece::Hole { inner, at }] if slips.is_empty() => {
                self.expr(inner, *at).map_err(|slip| vec![slip])
            }
            [Piece::Text(text)] if slips.is_empty() => {
                Ok(Expr::Constant(Value::Text((*text).into())))
            }
            [] if slips.is_empty() => Ok(Expr::Constant(Value::Text("".into()))),
            _ => Ok(Expr::Text(Box::new(self.template(text, Encoding::Raw)?))),
        }
    }

    /// Compiles what a value is compared with: a text, or what the shopper knows at that time. A value that is made anew each
    /// time cannot come back, and is refused.
    pub(super) fn known(&self, text: &str) -> Result<Literal, Vec<Slip>> {
        if !text.contains("${") {
            return Ok(Literal::Text(text.to_owned()));
        }
        let mut slips = Vec::new();
        for piece in pieces(text, &mut slips) {
            let Piece::Hole { inner, at } = piece else {
                continue;
            };
            match self.expr(inner, at) {
                Ok(Expr::Generated(generator)) if is_made_anew(&generator) => slips.push(
                    Slip::new(
                        at..at + inner.len(),
                        format!("`${{{inner}}}` is another value each time, so nothing can be compared with it"),
                    )
                    .label("made anew here")
                    .help("`set` a variable to it before it is sent, and compare with the variable"),
                ),
                Ok(_) => {}
                Err(slip) => slips.push(slip),
            }
        }
        if !slips.is_empty() {
            return Err(slips);
        }
        Ok(match self.value(text)? {
            Expr::Constant(Value::Text(text)) => Literal::Text(text.into()),
            expr => Literal::Value(expr),
        })
    }

    fn expr(&self, inner: &str, at: usize) -> Result<Expr, Slip> {
        let start = at + (inner.len() - inner.trim_start().len());
        let inner = inner.trim();
        let whole = start..start + inner.len();
        if inner.is_empty() {
            return Err(
                Slip::new(at.saturating_sub(2)..at + 1, "`${}` names no value")
                    .help("write for example `${uuid}`; a literal `${` is written `$${`"),
            );
        }
        match inner.split_once('(') {
            None => self.named(inner, whole),
            Some((name, arguments)) => match arguments.strip_suffix(')') {
                Some(arguments) => self.call(name.trim_end(), &split_arguments(arguments), whole),
                None => Err(
                    Slip::new(whole, format!("`{inner}` lacks a closing parenthesis"))
                        .label("`)` is missing"),
                ),
            },
        }
    }

    fn named(&self, name: &str, at: Range<usize>) -> Result<Expr, Slip> {
        if let Some((group, field)) = name.split_once('.') {
            return self.dotted(group, field, at);
        }
        if let Some(generator) = plain(name) {
            return Ok(Expr::Generated(generator));
        }
        if let Some(slot) = self.names.slot(name) {
            if self.scope.holds(slot) {
                return Ok(Expr::Variable(slot));
            }
            return Err(Slip::new(at, format!("`{name}` is not set yet here"))
                .label("used before it is set")
                .also(self.names.set_at(name), "set here")
                .help("set or extract it in an earlier step of the same journey, or give it a first value under `variables`"));
        }
        Err(self.unknown(name, at))
    }

    fn dotted(&self, group: &str, field: &str, at: Range<usize>) -> Result<Expr, Slip> {
        let field_at = at.end - field.len()..at.end;
        match group {
            "person" => match person(field) {
                Some(field) => Ok(Expr::Generated(Generator::Person(field))),
                None => Err(no_field("person", field, &PERSON, field_at)),
            },
            "env" => self.environment(field, field_at),
            "card" => match card(field) {
                Some(field) => Ok(Expr::Generated(Generator::Card(field))),
                None => Err(no_field("card", field, &CARD, field_at)),
            },
            _ => self.feeder(group, field, at, field_at),
        }
    }

    /// A variable of the environment. Its value is never shown.
    fn environment(&self, name: &str, at: Range<usize>) -> Result<Expr, Slip> {
        match std::env::var(name) {
            Ok(value) => {
                self.names.learn_secret(&value);
                Ok(Expr::Constant(Value::Text(value.into())))
            }
            Err(std::env::VarError::NotPresent) => {
                Err(Slip::new(at, format!("the environment has no `{name}`"))
                    .label("not set")
                    .help(format!(
                        "set it where loadgen is started: `{name}=… loadgen run …`"
                    )))
            }
            Err(std::env::VarError::NotUnicode(_)) => Err(Slip::new(
                at,
                format!("the environment's `{name}` is no UTF-8 text"),
            )),
        }
    }

    fn feeder(
        &self,
        name: &str,
        column: &str,
        at: Range<usize>,
        column_at: Range<usize>,
    ) -> Result<Expr, Slip> {
        let Some(index) = self
            .names
            .feeders
            .iter()
            .position(|feeder| feeder.name == name)
        else {
            let known = self
                .names
                .feeders
                .iter()
                .map(|feeder| feeder.name.as_str())
                .chain(["person", "card", "env"]);
            return Err(Slip::new(
                at.start..at.start + name.len(),
                format!("there is no feeder `{name}`"),
            )
            .label("unknown name before the dot")
            .concerns(name)
            .help_maybe(did_you_mean(name, known))
            .help("before a dot stands a feeder's name, `person`, `card` or `env`"));
        };
        let columns = &self.names.feeders[index].columns;
        match columns.iter().position(|known| known == column) {
            Some(place) => Ok(Expr::Feeder(index as u16, place as u16)),
            // A feeder without columns could not be read; that has been reported already.
            None if columns.is_empty() => Ok(Expr::Constant(Value::Unset)),
            None => {
                let known: Vec<&str> = columns.iter().map(String::as_str).collect();
                Err(no_field(
                    &format!("feeder `{name}`"),
                    column,
                    &known,
                    column_at,
                ))
            }
        }
    }

    fn call(&self, name: &str, arguments: &[String], at: Range<usize>) -> Result<Expr, Slip> {
        let generator = match (name, arguments) {
            ("int", [from, to]) => return int(from, to, at).map(Expr::Generated),
            ("int", _) => {
                return Err(
                    Slip::new(at, "`int` takes two numbers").help("for example `${int(1, 5)}`")
                );
            }
            ("pick", []) => {
                return Err(Slip::new(at, "`pick` takes at least one text")
                    .help("for example `${pick(red, blue)}`"));
            }
            ("pick", texts) => {
                Generator::Pick(texts.iter().map(|text| text.as_str().into()).collect())
            }
            ("popular", [which]) => return self.popular(which, at).map(Expr::Generated),
            ("popular", _) => {
                return Err(Slip::new(at, "`popular` takes one name")
                    .help("the name of an entry under `popularity`"));
            }
            (_, []) if plain(name).is_some() => return self.named(name, at),
            _ if plain(name).is_some() => {
                return Err(Slip::new(at, format!("`{name}` takes no arguments"))
                    .help(format!("write `${{{name}}}`")));
            }
            _ => return Err(self.unknown(name, at.start..at.start + name.len())),
        };
        Ok(Expr::Generated(generator))
    }

    fn popular(&self, which: &str, at: Range<usize>) -> Result<Generator, Slip> {
        let known = self
            .names
            .popularity
            .iter()
            .map(|entry| entry.name.as_str());
        match known.clone().position(|name| name == which) {
            Some(index) => Ok(Generator::Popular(index as u16)),
            None => {
                let listed: Vec<&str> = known.collect();
                let help = if listed.is_empty() {
                    format!("add it: `popularity: {{ {which}: {{ items: 10000 }} }}`")
                } else {
                    format!("entries under `popularity`: {}", listed.join(", "))
                };
                Err(Slip::new(at, format!("there is no popularity `{which}`"))
                    .label("unknown popularity")
                    .concerns(which)
                    .help_maybe(did_you_mean(which, listed.iter().copied()))
                    .help(help))
            }
        }
    }

    fn unknown(&self, name: &str, at: Range<usize>) -> Slip {
        let variables = self
            .names
            .variables()
            .filter(|(slot, _)| self.scope.holds(*slot))
            .map(|(_, name)| name);
        let known: Vec<&str> = variables.clone().chain(PLAIN).chain(CALLS).collect();
        let set: Vec<&str> = variables.collect();
        let set = if set.is_empty() {
            "none".to_owned()
        } else {
            set.join(", ")
        };
        Slip::new(at, format!("nothing sets `{name}`"))
            .label("unknown value")
            .concerns(name)
            .help_maybe(did_you_mean(name, known))
            .help(format!("variables set before this point: {set}"))
            .help(format!(
                "made by loadgen: person.…, card.…, {}(…), {}",
                CALLS.join("(…), "),
                PLAIN.join(", ")
            ))
    }
}

/// Whether a value differs each time it is asked for.
fn is_made_anew(generator: &Generator) -> bool {
    matches!(
        generator,
        Generator::Uuid
            | Generator::Word
            | Generator::Int(..)
            | Generator::Pick(_)
            | Generator::Popular(_)
    )
}

/// Splits a text at its holes; `$${` is a literal `${`.
fn pieces<'t>(text: &'t str, slips: &mut Vec<Slip>) -> Vec<Piece<'t>> {
    let mut found = Vec::new();
    let mut text_from = 0;
    let mut search_from = 0;
    while let Some(at) = text[search_from..].find("${").map(|at| at + search_from) {
        if text[..at].ends_with('$') {
            // Keep the text before the escaping `$`, go on after it.
            found.push(Piece::Text(&text[text_from..at - 1]));
            text_from = at;
            search_from = at + 2;
            continue;
        }
        if at > text_from {
            found.push(Piece::Text(&text[text_from..at]));
        }
        let inner_from = at + 2;
        let Some(length) = closing_brace(&text[inner_from..]) else {
            slips.push(
                Slip::new(at..text.len(), "`${` is never closed")
                    .label("`}` is missing")
                    .help("a literal `${` is written `$${`"),
            );
            return found;
        };
        found.push(Piece::Hole {
            inner: &text[inner_from..inner_from + length],
            at: inner_from,
        });
        text_from = inner_from + length + 1;
        search_from = text_from;
    }
    if text_from < text.len() {
        found.push(Piece::Text(&text[text_from..]));
    }
    found
}

/// The first `}` outside of quotes.
fn closing_brace(text: &str) -> Option<usize> {
    let mut quote = None;
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (None, '}') => return Some(at),
            (None, '\'' | '"') => quote = Some(c),
            (Some(open), _) if open == c => quote = None,
            _ => {}
        }
    }
    None
}

/// Splits at commas outside of quotes; quotes around an argument are taken off.
fn split_arguments(text: &str) -> Vec<String> {
    if text.trim().is_empty() {
        return Vec::new();
    }
    let mut arguments = vec![String::new()];
    let mut quote = None;
    for c in text.chars() {
        match (quote, c) {
            (None, ',') => arguments.push(String::new()),
            (None, '\'' | '"') => quote = Some(c),
            (Some(open), _) if open == c => quote = None,
            (None, c) if c.is_whitespace() && arguments.last().is_none_or(String::is_empty) => {}
            (_, c) => arguments
                .last_mut()
                .into_iter()
                .for_each(|argument| argument.push(c)),
        }
    }
    arguments
        .into_iter()
        .map(|argument| argument.trim_end().to_owned())
        .collect()
}

fn int(from: &str, to: &str, at: Range<usize>) -> Result<Generator, Slip> {
    match (from.parse(), to.parse()) {
        (Ok(from), Ok(to)) if from <= to => Ok(Generator::Int(from, to)),
        (Ok(_), Ok(_)) => Err(Slip::new(at, "`int` runs backwards")
            .label(format!("{from} is above {to}"))
            .help("the smaller number comes first")),
        _ => Err(Slip::new(at, "`int` takes two whole numbers").help("for example `${int(1, 5)}`")),
    }
}

fn no_field(owner: &str, field: &str, known: &[&str], at: Range<usize>) -> Slip {
    Slip::new(at, format!("{owner} has no `{field}`"))
        .label("unknown name after the dot")
        .help_maybe(did_you_mean(field, known.iter().copied()))
        .help(format!("known: {}", known.join(", ")))
}
