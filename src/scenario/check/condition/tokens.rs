//! The words of a condition, each with its place.

use std::ops::Range;

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
