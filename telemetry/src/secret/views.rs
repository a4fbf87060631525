//! A text with its escapes taken off, and where each of its bytes came from.

use std::borrow::Cow;
use std::ops::Range;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};

/// Shortest run of base64 that is looked into: eleven bytes, as `user:passwd`.
const BASE64_BYTES_MIN: usize = 15;

/// Longest run of base64 that is looked into.
const BASE64_BYTES_MAX: usize = 16 * 1024;

/// Padded or not, and with whatever bits at its end: a text may have been cut off.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::URL_SAFE,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// HTML's names of the characters that delimit things.
const ENTITIES: [(&[u8], u8); 10] = [
    (b"&quot;", b'"'),
    (b"&#34;", b'"'),
    (b"&#x22;", b'"'),
    (b"&amp;", b'&'),
    (b"&lt;", b'<'),
    (b"&gt;", b'>'),
    (b"&apos;", b'\''),
    (b"&#39;", b'\''),
    (b"&#43;", b'+'),
    (b"&#x3D;", b'='),
];

/// A text without some of its escapes.
pub(super) struct View<'a> {
    pub(super) bytes: Cow<'a, [u8]>,
    /// Where each byte stands in the original, and its end; nothing for the original itself.
    origins: Vec<usize>,
}

impl<'a> View<'a> {
    /// The text as it stands.
    pub(super) fn of(bytes: &'a [u8]) -> Self {
        Self {
            bytes: Cow::Borrowed(bytes),
            origins: Vec::new(),
        }
    }

    /// Where a stretch of this view stands in the original.
    pub(super) fn origin(&self, stretch: &Range<usize>) -> Range<usize> {
        match self.origins.is_empty() {
            true => stretch.clone(),
            false => self.origins[stretch.start]..self.origins[stretch.end],
        }
    }

    /// The view with one layer of escapes taken off; `None` if there are none.
    pub(super) fn unescaped(&self) -> Option<View<'static>> {
        let bytes = &self.bytes;
        if !bytes.iter().any(|byte| matches!(byte, b'%' | b'\\' | b'&')) {
            return None;
        }
        let (mut out, mut origins) = (Vec::with_capacity(bytes.len()), Vec::new());
        let (mut at, mut changed) = (0, false);
        while at < bytes.len() {
            let origin = self.origin(&(at..at)).start;
            let (plain, length) = unescape(&bytes[at..]).unwrap_or((Plain::Byte(bytes[at]), 1));
            changed |= length > 1;
            match plain {
                Plain::Byte(byte) => out.push(byte),
                Plain::Char(char) => out.extend(char.encode_utf8(&mut [0; 4]).bytes()),
            }
            origins.resize(out.len(), origin);
            at += length;
        }
        origins.push(self.origin(&(at..at)).start);
        changed.then_some(View {
            bytes: Cow::Owned(out),
            origins,
        })
    }
}

enum Plain {
    Byte(u8),
    Char(char),
}

/// What the escape at the beginning stands for, and its length.
fn unescape(bytes: &[u8]) -> Option<(Plain, usize)> {
    match bytes {
        [b'%', high, low, ..] => Some((Plain::Byte(hex(*high)? << 4 | hex(*low)?), 3)),
        [b'\\', b'u', a, b, c, d, ..] => {
            let digits = [hex(*a)?, hex(*b)?, hex(*c)?, hex(*d)?];
            let code = digits
                .iter()
                .fold(0, |code, digit| code << 4 | u32::from(*digit));
            Some((Plain::Char(char::from_u32(code).unwrap_or('\u{fffd}')), 6))
        }
        [b'\\', b'n', ..] => Some((Plain::Byte(b'\n'), 2)),
        [b'\\', b'r', ..] => Some((Plain::Byte(b'\r'), 2)),
        [b'\\', b't', ..] => Some((Plain::Byte(b'\t'), 2)),
        [b'\\', byte @ (b'"' | b'\\' | b'/' | b'\''), ..] => Some((Plain::Byte(*byte), 2)),
        [b'&', ..] => ENTITIES
            .iter()
            .find(|(entity, _)| bytes.starts_with(entity))
            .map(|(entity, byte)| (Plain::Byte(*byte), entity.len())),
        _ => None,
    }
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

/// Calls `take` with each run of base64 that decodes to text, and what it decodes to.
pub(super) fn base64_runs(bytes: &[u8], mut take: impl FnMut(Range<usize>, &[u8])) {
    let mut at = 0;
    while at < bytes.len() {
        let length = bytes[at..]
            .iter()
            .take_while(|byte| is_base64(**byte))
            .count();
        let run = at..at + length;
        at += length + 1;
        if (BASE64_BYTES_MIN..=BASE64_BYTES_MAX).contains(&length)
            && let Some(decoded) = decode(&bytes[run.clone()])
        {
            let padding = bytes[run.end..]
                .iter()
                .take_while(|byte| **byte == b'=')
                .count();
            take(run.start..run.end + padding.min(2), &decoded);
        }
    }
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_')
}

/// The text that a run of base64 stands for, if it does for one. A torn end is left out.
pub(super) fn decode(run: &[u8]) -> Option<Vec<u8>> {
    let whole = if run.len() % 4 == 1 {
        &run[..run.len() - 1]
    } else {
        run
    };
    let safe: Vec<u8> = whole
        .iter()
        .map(|byte| match byte {
            b'+' => b'-',
            b'/' => b'_',
            other => *other,
        })
        .collect();
    let decoded = BASE64.decode(safe).ok()?;
    let printable = |c: char| !c.is_control() || c.is_ascii_whitespace();
    std::str::from_utf8(&decoded)
        .ok()?
        .chars()
        .all(printable)
        .then_some(decoded)
}
