//! Secrets by the names that they stand under: `name: value`, `name=value`, `"name":"value"`, `<name>value</name>`,
//! `{"name":"password","value":"…"}`, and parts of forms. Also where the text was cut off in the middle.

use std::ops::Range;

use super::{MARK, Names};

mod marks;

use marks::{
    NAME_BYTES_MAX, Name, begins_line, behind_scheme, block_end, closing_bracket, closing_quote,
    ends_bare, find, follows_word, is_name, is_one_of, is_plain_word, is_template, name_before,
    run_of,
};

/// Longest opening tag that is looked at.
const TAG_BYTES_MAX: usize = 512;

/// Under these stands the name of what stands under the others.
const PAIR_NAMES: [&[u8]; 7] = [
    b"name",
    b"key",
    b"field",
    b"header",
    b"param",
    b"parameter",
    b"type",
];
const PAIR_VALUES: [&[u8]; 4] = [b"value", b"content", b"val", b"text"];

/// What stands under a secret name and is no secret.
const HARMLESS: [&[u8]; 8] = [
    b"true",
    b"false",
    b"null",
    b"none",
    b"~",
    b"undefined",
    b"nil",
    b"exists",
];

/// Finds them.
pub(super) fn scan(bytes: &[u8], names: &Names, source: bool, out: &mut Vec<Range<usize>>) {
    let mut scanner = Scanner {
        bytes,
        names,
        source,
        pair: Pair::default(),
        out,
    };
    let mut at = 0;
    while at < bytes.len() {
        at = scanner.step(at).max(at + 1);
    }
}

/// A name and a value that stand in one object or tag as values of their own.
#[derive(Default)]
struct Pair {
    names_secret: bool,
    value: Option<Range<usize>>,
}

struct Scanner<'a> {
    bytes: &'a [u8],
    names: &'a Names,
    source: bool,
    pair: Pair,
    out: &'a mut Vec<Range<usize>>,
}

/// What stands behind it.
struct Value {
    range: Range<usize>,
    /// Where to look on if it is a secret.
    next: usize,
    kind: Kind,
    /// The name stands in a sentence: `it needs a token: set one`.
    in_prose: bool,
}

#[derive(PartialEq, Eq)]
enum Kind {
    Quoted,
    Bare,
    /// An object or a list.
    Whole,
}

impl Scanner<'_> {
    /// Looks at one place; says where to go on.
    fn step(&mut self, at: usize) -> usize {
        match self.bytes[at] {
            b':' | b'=' => self.assignment(at),
            b'<' => self.element(at),
            b'}' | b'>' => {
                self.pair = Pair::default();
                at
            }
            b'\n' if self.pair.names_secret => self.part(at),
            _ => at,
        }
    }

    fn assignment(&mut self, at: usize) -> usize {
        let Some(name) = name_before(self.bytes, at) else {
            return at;
        };
        let text = String::from_utf8_lossy(name.text).into_owned();
        let pair_name = is_one_of(&PAIR_NAMES, name.text);
        let pair_value = is_one_of(&PAIR_VALUES, name.text);
        let secret = self.is_secret(&name, &text, at);
        if !(pair_name || pair_value || secret) {
            return at;
        }
        let Some(value) = self.value_after(at, &name) else {
            return at;
        };
        if pair_name && self.is_secret_text(&value.range) {
            self.named();
            return value.next;
        }
        if pair_value && !secret {
            return self.valued(value, at);
        }
        match secret {
            true => self.take(value, at),
            false => at,
        }
    }

    fn is_secret(&self, name: &Name<'_>, text: &str, at: usize) -> bool {
        let before = name.start.checked_sub(1).map(|before| self.bytes[before]);
        if self.source && before == Some(b'/') {
            // The last part of a JSON pointer, in a check.
            return false;
        }
        let in_query = self.bytes[at] == b'=' && matches!(before, Some(b'?' | b'&' | b'#' | b';'));
        match in_query {
            true => self.names.is_secret_in_query(text),
            false => self.names.is_secret(text),
        }
    }

    fn is_secret_text(&self, range: &Range<usize>) -> bool {
        let text = &self.bytes[range.clone()];
        text.len() <= NAME_BYTES_MAX
            && std::str::from_utf8(text).is_ok_and(|name| self.names.is_secret(name))
    }

    /// The name of a secret was seen: its value may stand before or behind it.
    fn named(&mut self) {
        match self.pair.value.take() {
            Some(value) => self.out.push(value),
            None => self.pair.names_secret = true,
        }
    }

    fn valued(&mut self, value: Value, at: usize) -> usize {
        if std::mem::take(&mut self.pair.names_secret) {
            return self.take(value, at);
        }
        self.pair.value = Some(value.range);
        // It may hold secrets of its own: it is looked into.
        at
    }

    fn take(&mut self, value: Value, at: usize) -> usize {
        if value.kind == Kind::Whole && self.source {
            // What people write is to be recognised: the structure stays, its quoted values do not.
            self.quoted_values(value.range);
            return at;
        }
        let range = behind_scheme(self.bytes, value.range);
        let text = &self.bytes[range.clone()];
        if self.is_harmless(text) || (value.in_prose && is_plain_word(text)) {
            return at;
        }
        self.out.push(range);
        value.next
    }

    /// The texts in quotes within an object or a list, but for its keys.
    fn quoted_values(&mut self, whole: Range<usize>) {
        let mut at = whole.start;
        while at < whole.end {
            let quote = self.bytes[at];
            at += 1;
            if !matches!(quote, b'"' | b'\'') {
                continue;
            }
            let end = closing_quote(self.bytes, at, quote, 0).min(whole.end);
            let behind = self.bytes[end..whole.end].iter().skip(1);
            let is_key = behind.copied().find(|byte| *byte != b' ') == Some(b':');
            if !is_key && !self.is_harmless(&self.bytes[at..end]) {
                self.out.push(at..end);
            }
            at = end + 1;
        }
    }

    fn is_harmless(&self, text: &[u8]) -> bool {
        let pointer = self.source && text.starts_with(b"/") && !text.contains(&b' ');
        text.is_empty()
            || pointer
            || (self.source && text.len() == 1)
            || is_one_of(&HARMLESS, text)
            || is_template(text)
            || super::position(text, MARK.as_bytes()).is_some()
    }

    fn value_after(&self, at: usize, name: &Name<'_>) -> Option<Value> {
        let bytes = self.bytes;
        let mut start = at + 1;
        while bytes.get(start).is_some_and(|byte| {
            matches!(byte, b' ' | b'\t') || (name.quoted && byte.is_ascii_whitespace())
        }) {
            start += 1;
        }
        let slashes = run_of(&bytes[start..], b'\\');
        match bytes.get(start + slashes)? {
            quote @ (b'"' | b'\'') => {
                let start = start + slashes + 1;
                let end = closing_quote(bytes, start, *quote, slashes);
                Some(Value {
                    range: start..end,
                    next: end + 1,
                    kind: Kind::Quoted,
                    in_prose: false,
                })
            }
            b'{' | b'[' if slashes == 0 => {
                let end = closing_bracket(bytes, start);
                Some(Value {
                    range: start..end,
                    next: end,
                    kind: Kind::Whole,
                    in_prose: false,
                })
            }
            b'=' | b'>' | b'<' if slashes == 0 => None,
            _ => Some(self.bare(at, start, name)),
        }
    }

    fn bare(&self, at: usize, start: usize, name: &Name<'_>) -> Value {
        let bytes = self.bytes;
        let line_end = start + find(&bytes[start..], |byte| matches!(byte, b'\n' | b'\r'));
        let whole_line = bytes[at] == b':' && !name.quoted && begins_line(bytes, name.start);
        let end = if whole_line && matches!(bytes.get(start), Some(b'|' | b'>')) {
            block_end(bytes, name.start, line_end)
        } else if whole_line {
            line_end
        } else {
            let from = behind_scheme(bytes, start..line_end).start;
            let query = bytes[at] == b'=';
            from + find(&bytes[from..line_end], |byte| ends_bare(byte, query))
        };
        let end = start + bytes[start..end.max(start)].trim_ascii_end().len();
        Value {
            range: start..end,
            next: end,
            kind: Kind::Bare,
            in_prose: !whole_line && bytes[at] == b':' && follows_word(bytes, name.start),
        }
    }

    /// `<name …>value</name>`.
    fn element(&mut self, at: usize) -> usize {
        let bytes = self.bytes;
        let tag = &bytes[at + 1..bytes.len().min(at + 1 + TAG_BYTES_MAX)];
        let name = &tag[..find(tag, |byte| {
            byte.is_ascii_whitespace() || matches!(byte, b'>' | b'/')
        })];
        let local = name.rsplit(|byte| *byte == b':').next().unwrap_or(name);
        // Not the `<KEY=VALUE>` of a help text.
        let is_name = local.first().is_some_and(u8::is_ascii_alphabetic)
            && local.iter().all(|byte| is_name(*byte));
        if !is_name || !self.names.is_secret(&String::from_utf8_lossy(local)) {
            return at;
        }
        let closed = find(tag, |byte| byte == b'>');
        if closed == tag.len() || tag[..closed].ends_with(b"/") {
            return at;
        }
        let start = at + 1 + closed + 1;
        let end = start + find(&bytes[start..], |byte| byte == b'<');
        if !bytes[start..end].trim_ascii().is_empty() {
            self.out.push(start..end);
        }
        end
    }

    /// The part of a form whose head named a secret: from the empty line to the boundary.
    fn part(&mut self, at: usize) -> usize {
        let rest = &self.bytes[at + 1..];
        let start = match rest {
            [b'\n', ..] => at + 2,
            [b'\r', b'\n', ..] => at + 3,
            _ => return at,
        };
        self.pair = Pair::default();
        let end = super::position(&self.bytes[start..], b"\n--")
            .map_or(self.bytes.len(), |end| start + end);
        self.out.push(start..end);
        end
    }
}
