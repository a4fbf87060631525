//! Texts that cannot steer what shows them: terminals, readers of bidirectional text, spreadsheets.

use std::ops::Range;

/// What has to change so that a terminal shows the text and does not obey it: control characters (C0, C1, ESC), overrides of
/// the direction of text, and characters without width. Line breaks and tabs stay.
pub fn controls(text: &str) -> impl Iterator<Item = (Range<usize>, String)> {
    let steers = |(_, c): &(usize, char)| steers(*c) && !matches!(c, '\n' | '\t');
    text.char_indices().filter(steers).map(|(at, c)| {
        let end = at + c.len_utf8();
        // A line that ends as in HTTP.
        match c == '\r' && text[end..].starts_with('\n') {
            true => (at..end, String::new()),
            false => (at..end, escaped(c)),
        }
    })
}

/// The text in one line: line breaks and tabs are escaped as well.
pub fn line(text: &str) -> String {
    if !text.chars().any(steers) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match steers(c) {
            true => out.push_str(&escaped(c)),
            false => out.push(c),
        }
    }
    out
}

/// A cell that no spreadsheet takes for a formula (OWASP, CSV injection).
pub fn cell(text: &str) -> String {
    match text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']) {
        true => format!("'{text}"),
        false => text.to_owned(),
    }
}

fn escaped(c: char) -> String {
    match c {
        '\n' => "\\n".to_owned(),
        '\t' => "\\t".to_owned(),
        '\r' => "\\r".to_owned(),
        c => format!("\\u{{{:x}}}", u32::from(c)),
    }
}

fn steers(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{61c}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{2069}'
                | '\u{feff}'
                | '\u{e0000}'..='\u{e007f}'
        )
}
