//! Texts of the scenario language: literal text escaped, values put in place of what they stand for.

use std::borrow::Cow;
use std::ops::Range;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What a value in a URL or a form is encoded as: all but the unreserved characters of RFC 3986.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// A text that a value takes the place of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Swap {
    /// What stands in the source.
    pub(super) value: String,
    /// What stands between `${` and `}`.
    pub(super) hole: String,
}

/// How values are written where a text stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spelling {
    /// As they are.
    Plain,
    /// Percent-encoded.
    Url,
}

/// A text as the language has it: `${` is written `$${`.
pub(super) fn literal(text: &str) -> String {
    text.replace("${", "$${")
}

/// The whole of a text is one value.
pub(super) fn hole(name: &str) -> String {
    format!("${{{name}}}")
}

/// Percent-encoded as values are.
pub(super) fn percent(text: &str) -> String {
    utf8_percent_encode(text, UNRESERVED).to_string()
}

/// A form's fields as they go over the wire.
pub(super) fn form_encoded<'t>(fields: impl IntoIterator<Item = (&'t str, &'t str)>) -> String {
    let fields = fields.into_iter();
    let pairs = fields.map(|(name, value)| format!("{}={}", percent(name), percent(value)));
    pairs.collect::<Vec<_>>().join("&")
}

/// A text with values in the place of what they stand for, at whole words only.
pub(super) fn woven<'s>(
    text: &str,
    swaps: impl IntoIterator<Item = &'s Swap>,
    spelling: Spelling,
) -> String {
    let mut found: Vec<(Range<usize>, &str)> = Vec::new();
    for swap in swaps {
        for form in forms(&swap.value, spelling) {
            let places = text.match_indices(form.as_ref());
            let ranges = places.map(|(at, form)| at..at + form.len());
            let whole = ranges.filter(|range| is_whole(text, range));
            found.extend(whole.map(|range| (range, swap.hole.as_str())));
        }
    }
    found.sort_by_key(|(range, _)| (range.start, std::cmp::Reverse(range.end)));
    let mut out = String::new();
    let mut at = 0;
    for (range, name) in found {
        if range.start >= at {
            push_literal(&mut out, &text[at..range.start], true);
            out.push_str(&hole(name));
            at = range.end;
        }
    }
    push_literal(&mut out, &text[at..], false);
    out
}

/// The spellings of a value that are looked for.
fn forms(value: &str, spelling: Spelling) -> Vec<Cow<'_, str>> {
    let mut forms = vec![Cow::Borrowed(value)];
    if spelling == Spelling::Url {
        let encoded = percent(value);
        let form = encoded.replace("%20", "+");
        for spelt in [encoded, form] {
            if !forms.contains(&Cow::Borrowed(spelt.as_str())) {
                forms.push(spelt.into());
            }
        }
    }
    forms.retain(|form| !form.is_empty());
    forms
}

/// Whether neither end of a stretch stands within a word.
fn is_whole(text: &str, range: &Range<usize>) -> bool {
    let bytes = text.as_bytes();
    let word = |at: usize| {
        bytes
            .get(at)
            .is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
    };
    let inside = |at: usize| at > 0 && word(at - 1) && word(at);
    // `%2F` before a value is no part of it.
    let escaped = range.start >= 3 && bytes[range.start - 3] == b'%';
    (escaped || !inside(range.start)) && !inside(range.end)
}

/// Appends literal text. A `$` right before a value would escape it, and is written as a value itself.
fn push_literal(out: &mut String, text: &str, value_follows: bool) {
    match text.strip_suffix('$') {
        Some(before) if value_follows => {
            out.push_str(&literal(before));
            out.push_str("${pick($)}");
        }
        _ => out.push_str(&literal(text)),
    }
}

/// A URL's path and query without what the language does not let stand in URLs: percent-encoded, it means the same.
pub(super) fn url_safe(text: &str) -> Cow<'_, str> {
    let stands = |c: char| c.is_ascii_graphic() && !"\"<>\\^`{|}#".contains(c);
    if text.chars().all(stands) {
        return text.into();
    }
    let encoded = text.chars().map(|c| match stands(c) {
        true => c.to_string(),
        false => {
            let mut bytes = [0; 4];
            let bytes = c.encode_utf8(&mut bytes).bytes();
            bytes.map(|byte| format!("%{byte:02X}")).collect()
        }
    });
    encoded.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_take_the_place_of_whole_words() {
        let swap = |value: &str, hole: &str| Swap {
            value: value.to_owned(),
            hole: hole.to_owned(),
        };
        let swaps = [swap("17", "id"), swap("a b/c", "x"), swap("17-9", "long")];
        let plain = |text| woven(text, &swaps, Spelling::Plain);
        assert_eq!(plain("/p/17?a=170&b=17-9"), "/p/${id}?a=170&b=${long}");
        assert_eq!(
            plain("costs $17, ${x} $$"),
            "costs ${pick($)}${id}, $${x} $$"
        );
        let url = |text| woven(text, &swaps, Spelling::Url);
        assert_eq!(
            url("q=a%20b%2Fc&r=a+b%2Fc&s=%2F17"),
            "q=${x}&r=${x}&s=%2F${id}"
        );
    }
}
