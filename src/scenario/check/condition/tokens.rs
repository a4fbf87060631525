//! The words of a condition, each with its place.

use std::ops::Range;

use crate::json_path::JsonPath;
use crate::scenario::check::slip::Slip;
use crate::scenario::check::template::closing_brace;

/// A word, a quoted text, a parenthesis, or a comparison sign.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token {
    pub(super) text: String,
    pub(super) range: Range<usize>,
    pub(super) quoted: bool,
}

/// Splits into words, quoted texts, parentheses and comparison signs.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, Slip> {
    let mut found: Vec<Token> = Vec::new();
    let mut chars = text.char_indices().peekable();
    while let Some((start, c)) = chars.next() {
        if c.is_whitespace() {
            continue;
        }
        if c == '"' || c == '\'' {
            let rest = &text[start + 1..];
            let Some(length) = rest.find(c) else {
                return Err(
                    Slip::new(start..text.len(), "a quote is never closed").label("opened here")
                );
            };
            let end = start + 1 + length;
            found.push(Token {
                text: rest[..length].to_owned(),
                range: start..end + 1,
                quoted: true,
            });
            while chars.next_if(|(at, _)| *at <= end).is_some() {}
            continue;
        }
        let class = class(c);
        let mut end = start + c.len_utf8();
        if JsonPath::is_meant(word_at(text, start)) {
            end = start + path_bytes(&text[start..]);
            while chars.next_if(|(at, _)| *at < end).is_some() {}
            found.push(Token {
                text: text[start..end].to_owned(),
                range: start..end,
                quoted: false,
            });
            continue;
        }
        // A value is one word, whatever stands between its braces.
        if text[start..].starts_with("${")
            && let Some(length) = closing_brace(&text[start + 2..])
        {
            end = start + length + 3;
            while chars.next_if(|(at, _)| *at < end).is_some() {}
        }
        while class != Class::Alone
            && let Some((at, c)) =
                chars.next_if(|(_, next)| self::class(*next) == class && !next.is_whitespace())
        {
            end = at + c.len_utf8();
        }
        found.push(Token {
            text: text[start..end].to_owned(),
            range: start..end,
            quoted: false,
        });
    }
    Ok(found)
}

/// What stands there up to a space.
fn word_at(text: &str, start: usize) -> &str {
    text[start..].split_whitespace().next().unwrap_or_default()
}

/// Bytes of a JSONPath, in whose brackets anything may stand.
fn path_bytes(text: &str) -> usize {
    let (mut depth, mut quote) = (0_usize, None);
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (None, '\'' | '"') => quote = Some(c),
            (Some(open), _) if open == c => quote = None,
            (None, '[') => depth += 1,
            (None, ']') => depth = depth.saturating_sub(1),
            (None, c) if depth == 0 && (c.is_whitespace() || c == ')') => return at,
            _ => {}
        }
    }
    text.len()
}

#[derive(PartialEq, Clone, Copy)]
enum Class {
    Word,
    Sign,
    Alone,
}

fn class(c: char) -> Class {
    match c {
        '(' | ')' => Class::Alone,
        '<' | '>' | '=' | '!' => Class::Sign,
        _ => Class::Word,
    }
}
