//! Texts with a byte for each character, as the web reads what calls itself Latin-1: windows-1252 (WHATWG, Encoding).
//!
//! PURE. One table, for which no library is needed.

/// What the bytes from 0x80 to 0x9F stand for; those that stand for nothing are control characters.
const UPPER: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}',
    '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

/// The text of such bytes.
pub(crate) fn decoded(bytes: &[u8]) -> String {
    let character = |byte: &u8| match byte {
        0x80..=0x9f => UPPER[usize::from(byte - 0x80)],
        byte => char::from(*byte),
    };
    bytes.iter().map(character).collect()
}

/// Whether a content type says that a body is written so.
pub(crate) fn is_charset_of(content_type: &str) -> bool {
    let lower = content_type.to_ascii_lowercase();
    let parameters = lower
        .split(';')
        .skip(1)
        .filter_map(|one| one.split_once('='));
    let charset = parameters
        .filter(|(name, _)| name.trim() == "charset")
        .map(|(_, value)| value.trim().trim_matches('"'))
        .next();
    matches!(
        charset,
        Some(
            "iso-8859-1"
                | "iso8859-1"
                | "iso_8859-1"
                | "latin1"
                | "latin-1"
                | "l1"
                | "windows-1252"
                | "cp1252"
        )
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_a_character() {
        assert_eq!(decoded(b"M\xfcller \x80 5"), "Müller € 5");
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(decoded(&all).chars().count(), 256);
    }

    #[test]
    fn a_charset_is_told_by_its_names() {
        for kind in [
            "text/plain; charset=iso-8859-1",
            "text/html;x=y; Charset=\"Latin1\"",
            "a/b;charset=windows-1252",
        ] {
            assert!(is_charset_of(kind), "{kind}");
        }
        for kind in [
            "text/plain",
            "text/plain; charset=utf-8",
            "text/iso-8859-1",
            "",
        ] {
            assert!(!is_charset_of(kind), "{kind}");
        }
    }
}
