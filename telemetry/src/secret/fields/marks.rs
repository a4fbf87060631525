//! Where names, quotes, brackets and blocks begin and end in a text of any kind. Must not know what is secret.

use std::ops::Range;

/// Longest name that is looked at.
pub(super) const NAME_BYTES_MAX: usize = 64;

/// Words before a secret that say what it is for; they are shown.
const SCHEMES: [&str; 8] = [
    "bearer",
    "basic",
    "digest",
    "token",
    "apikey",
    "negotiate",
    "hmac",
    "signature",
];

/// What stands before a `:` or `=`.
pub(super) struct Name<'a> {
    pub(super) text: &'a [u8],
    pub(super) start: usize,
    pub(super) quoted: bool,
}

pub(super) fn is_one_of<const N: usize>(words: &[&[u8]; N], text: &[u8]) -> bool {
    words.iter().any(|word| word.eq_ignore_ascii_case(text))
}

/// Index of the first byte that is one of those, or the length.
pub(super) fn find(bytes: &[u8], is_one: impl Fn(u8) -> bool) -> usize {
    let found = bytes.iter().position(|byte| is_one(*byte));
    found.unwrap_or(bytes.len())
}

pub(super) fn run_of(bytes: &[u8], wanted: u8) -> usize {
    find(bytes, |byte| byte != wanted)
}

pub(super) fn name_before(bytes: &[u8], at: usize) -> Option<Name<'_>> {
    let mut end = at;
    while end > 0 && bytes[end - 1] == b' ' && at - end < 4 {
        end -= 1;
    }
    let quoted = end > 0 && matches!(bytes[end - 1], b'"' | b'\'' | b'`');
    let floor = end.saturating_sub(NAME_BYTES_MAX);
    if quoted {
        let quote = bytes[end - 1];
        end -= 1;
        while end > floor && bytes[end - 1] == b'\\' {
            end -= 1;
        }
        let start = bytes[floor..end].iter().rposition(|byte| *byte == quote)? + floor + 1;
        return named(bytes, start, end, true);
    }
    let mut start = end;
    while start > floor && is_name(bytes[start - 1]) {
        start -= 1;
    }
    named(bytes, start, end, false)
}

fn named(bytes: &[u8], start: usize, end: usize, quoted: bool) -> Option<Name<'_>> {
    (start < end).then(|| Name {
        text: &bytes[start..end],
        start,
        quoted,
    })
}

pub(super) fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'[' | b']' | b'$')
}

/// The next quote with as many backslashes before it as the opening one had; the end if there is none.
pub(super) fn closing_quote(bytes: &[u8], start: usize, quote: u8, slashes: usize) -> usize {
    let mut at = start;
    while at < bytes.len() {
        let before = bytes[start..at]
            .iter()
            .rev()
            .take_while(|byte| **byte == b'\\')
            .count();
        let closes = match slashes {
            0 => before % 2 == 0,
            slashes => before <= slashes,
        };
        if bytes[at] == quote && closes {
            // The backslashes belong to the quote.
            return at - before.min(slashes);
        }
        at += 1;
    }
    bytes.len()
}

/// Behind the bracket that closes the one at `start`; the end if there is none.
pub(super) fn closing_bracket(bytes: &[u8], start: usize) -> usize {
    let (mut depth, mut at) = (0_usize, start);
    while at < bytes.len() {
        match bytes[at] {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth -= 1,
            b'"' => at = closing_quote(bytes, at + 1, b'"', 0),
            _ => {}
        }
        at += 1;
        if depth == 0 {
            break;
        }
    }
    at.min(bytes.len())
}

/// Whether nothing but indentation and the dash of a list stands before it on its line.
pub(super) fn begins_line(bytes: &[u8], at: usize) -> bool {
    let line = bytes[..at]
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |newline| newline + 1);
    bytes[line..at]
        .iter()
        .all(|byte| matches!(byte, b' ' | b'\t' | b'-'))
}

/// End of a block scalar: the lines that are indented more than its key.
pub(super) fn block_end(bytes: &[u8], key: usize, line_end: usize) -> usize {
    let line = bytes[..key]
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |newline| newline + 1);
    let indent = run_of(&bytes[line..], b' ');
    let mut end = line_end;
    while end < bytes.len() {
        let next = end + 1;
        let length = find(&bytes[next..], |byte| byte == b'\n');
        let text = &bytes[next..next + length];
        if !text.trim_ascii().is_empty() && run_of(text, b' ') <= indent {
            break;
        }
        end = next + length;
    }
    end
}

/// Whether a word and a space stand before it.
pub(super) fn follows_word(bytes: &[u8], at: usize) -> bool {
    let space = at.checked_sub(1).is_some_and(|space| bytes[space] == b' ');
    let word = |before: usize| bytes[before].is_ascii_alphanumeric();
    space && at.checked_sub(2).is_some_and(word)
}

/// Longest word that a sentence may go on with.
const PLAIN_WORD_BYTES_MAX: usize = 12;

pub(super) fn is_plain_word(text: &[u8]) -> bool {
    text.len() <= PLAIN_WORD_BYTES_MAX && text.iter().all(u8::is_ascii_lowercase)
}

pub(super) fn ends_bare(byte: u8, query: bool) -> bool {
    let always = byte.is_ascii_whitespace()
        || matches!(byte, b'"' | b'\'' | b'<' | b'>' | b'`' | b'&' | b'#');
    always
        || (!query && matches!(byte, b',' | b';' | b'}' | b')' | b']' | b'|'))
        || (query && byte == b';')
}

/// The secret behind `Bearer ` and its like.
pub(super) fn behind_scheme(bytes: &[u8], value: Range<usize>) -> Range<usize> {
    let text = &bytes[value.clone()];
    let word = find(text, |byte| byte == b' ');
    let is_scheme = |scheme: &&str| scheme.as_bytes().eq_ignore_ascii_case(&text[..word]);
    match word < text.len() && SCHEMES.iter().any(is_scheme) {
        true => value.start + word + 1..value.end,
        false => value,
    }
}

/// Whether nothing is left when the values that are made by `${…}` are taken out.
pub(super) fn is_template(text: &[u8]) -> bool {
    let mut rest = text;
    while let Some(begin) = super::super::position(rest, b"${") {
        if !rest[..begin].trim_ascii().is_empty() {
            return false;
        }
        match super::super::position(&rest[begin..], b"}") {
            Some(length) => rest = &rest[begin + length + 1..],
            None => return true,
        }
    }
    rest.len() < text.len() && rest.trim_ascii().is_empty()
}
