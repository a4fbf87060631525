//! The text around and inside `${…}`: where values begin and end, and what stands between their commas.
//!
//! Must not know: what a value means.

use std::ops::Range;

use crate::scenario::check::slip::Slip;

/// A text's pieces.
pub(super) enum Piece<'t> {
    Text(&'t str),
    Hole { inner: &'t str, at: usize },
}

/// Splits a text at its holes; `$${` is a literal `${`.
pub(super) fn pieces<'t>(text: &'t str, slips: &mut Vec<Slip>) -> Vec<Piece<'t>> {
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

/// What is open at some place of a text: a quote, or `None` for a value inside of a text in quotes.
#[derive(Default)]
struct Nesting(Vec<Option<char>>);

impl Nesting {
    /// Goes past a sign; says whether it stands outside of all quotes.
    fn is_outside(&mut self, before: &str, c: char) -> bool {
        let opens_value = c == '{' && before.ends_with('$') && !before.ends_with("$$");
        match self.0.last() {
            None | Some(None) if matches!(c, '\'' | '"') => self.0.push(Some(c)),
            Some(None) if c == '}' => drop(self.0.pop()),
            Some(Some(open)) if *open == c => drop(self.0.pop()),
            Some(Some(_)) if opens_value => self.0.push(None),
            None => return true,
            Some(_) => {}
        }
        false
    }
}

/// The first `}` outside of quotes.
pub(in crate::scenario::check) fn closing_brace(text: &str) -> Option<usize> {
    let mut nesting = Nesting::default();
    let mut signs = text.char_indices();
    let found = signs.find(|(at, c)| nesting.is_outside(&text[..*at], *c) && *c == '}');
    found.map(|(at, _)| at)
}

/// What a function is given.
#[derive(Debug, Clone)]
pub(super) struct Argument<'t> {
    /// Without space and quotes around it.
    pub(super) text: &'t str,
    /// Where `text` stands.
    pub(super) at: Range<usize>,
    /// Whether it is in quotes.
    pub(super) quoted: bool,
}

/// Splits what stands in a function's parentheses, `from` its first byte, at commas outside of quotes and parentheses.
pub(super) fn arguments(text: &str, from: usize) -> Vec<Argument<'_>> {
    if text.trim().is_empty() {
        return Vec::new();
    }
    let (mut nesting, mut depth, mut begin) = (Nesting::default(), 0_usize, 0);
    let mut found = Vec::new();
    for (at, c) in text.char_indices() {
        if !nesting.is_outside(&text[..at], c) {
            continue;
        }
        match c {
            ',' if depth == 0 => {
                found.push(argument(&text[begin..at], from + begin));
                begin = at + 1;
            }
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    found.push(argument(&text[begin..], from + begin));
    found
}

fn argument(text: &str, from: usize) -> Argument<'_> {
    let start = from + (text.len() - text.trim_start().len());
    let text = text.trim();
    let inside = |quote: char| text.strip_prefix(quote)?.strip_suffix(quote);
    let (text, start, quoted) = match inside('"').or_else(|| inside('\'')) {
        Some(inner) => (inner, start + 1, true),
        None => (text, start, false),
    };
    Argument {
        text,
        at: start..start + text.len(),
        quoted,
    }
}

/// Splits at commas outside of quotes; quotes around an argument are taken off.
pub(super) fn split_arguments(text: &str) -> Vec<String> {
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
