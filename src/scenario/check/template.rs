//! `${…}`: from text to compiled templates.
//!
//! Each hole is parsed by itself, so that every mistake of a text is found. Must not know: where the text stands.

mod expr;
mod function;
mod known;
mod scan;

use super::names::{Names, Scope};
use super::slip::Slip;
use crate::scenario::Literal;
use crate::template::{Encoding, Expr, Function, Generator, Part, Template, Value};
use known::{CALLS, PLAIN};
pub(super) use scan::closing_brace;
use scan::{Piece, pieces};

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
                    Ok(expr) => {
                        let (expr, encoding) = encoded_once(expr, encoding(parts.is_empty()));
                        parts.value(expr, encoding);
                    }
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
                Ok(expr) if is_made_anew(&expr) => slips.push(
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
}

/// Whether a value differs each time it is asked for.
fn is_made_anew(expr: &Expr) -> bool {
    match expr {
        Expr::Generated(generator) => matches!(
            generator,
            Generator::Uuid
                | Generator::Word
                | Generator::Int(..)
                | Generator::Pick(_)
                | Generator::Popular(_)
                | Generator::Now(_)
        ),
        Expr::Call(call) => call.arguments.iter().any(is_made_anew),
        Expr::Text(template) => template
            .parts
            .iter()
            .any(|part| matches!(part, Part::Value(expr, _) if is_made_anew(expr))),
        Expr::Constant(_) | Expr::Variable(_) | Expr::Feeder(..) => false,
    }
}

/// Whether a text is one value and nothing else.
pub(super) fn is_one_hole(text: &str) -> bool {
    matches!(
        pieces(text, &mut Vec::new()).as_slice(),
        [Piece::Hole { .. }]
    )
}

/// How a value is written where others are percent-encoded: what `url` has made is not encoded again.
fn encoded_once(expr: Expr, encoding: Encoding) -> (Expr, Encoding) {
    match (&expr, encoding) {
        (Expr::Call(call), Encoding::Uri) if call.function == Function::Url => {
            (expr, Encoding::Raw)
        }
        _ => (expr, encoding),
    }
}
