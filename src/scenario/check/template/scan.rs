//! The text around and inside `${…}`: where values begin and end, and what stands between their commas.
//!
//! Must not know: what a value means.

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
