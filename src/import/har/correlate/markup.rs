//! Values in pages: a regular expression that finds a hidden field, a token in a `meta` element or in a script.

use regex::{Regex, escape};

/// How much of what stands around a value becomes part of the expression, bytes.
const AROUND_BYTES_MAX: usize = 120;

/// An expression whose first group is `value` in this text, and what the value is called there.
pub(super) fn pattern(text: &str, value: &str) -> Option<(String, String)> {
    let escaped = html_escape::encode_double_quoted_attribute(value);
    let spelt = [value, escaped.as_ref()];
    spelt.into_iter().find_map(|spelt| {
        let at = text.find(spelt)?;
        let before = before(&text[..at]);
        let after = after(&text[at + spelt.len()..]);
        let end = after
            .chars()
            .next()
            .filter(|c| !c.is_ascii_alphanumeric())?;
        let group = format!("([^{}]+)", class(end));
        let short = format!("{}{group}", escape(before));
        let long = format!("{short}{}", escape(after));
        let finds = |pattern: &String| {
            let found = Regex::new(pattern).ok()?.captures(text)?.get(1)?;
            (found.as_str() == spelt).then_some(())
        };
        let is_bare = before.trim().is_empty();
        let pattern = [short, long]
            .into_iter()
            .find(|pattern| !is_bare && finds(pattern).is_some())?;
        // A dollar before a brace is the language's.
        let name = name(before)
            .or_else(|| name(after))
            .unwrap_or_else(|| "token".to_owned());
        (!pattern.contains("${")).then_some((pattern, name))
    })
}

/// What stands before a value, from the beginning of its element or line.
fn before(text: &str) -> &str {
    let from = text.rfind(['<', '\n', ';', '{']).unwrap_or(0);
    let mut from = from.max(text.len().saturating_sub(AROUND_BYTES_MAX));
    while !text.is_char_boundary(from) {
        from += 1;
    }
    text[from..].trim_start_matches(['\n', ';', '{'])
}

/// What stands behind a value, to the end of its element or line.
fn after(text: &str) -> &str {
    let to = text.find(['>', '\n', ';']).map_or(text.len(), |at| at + 1);
    let mut to = to.min(AROUND_BYTES_MAX).min(text.len());
    while !text.is_char_boundary(to) {
        to -= 1;
    }
    text[..to].trim_end_matches('\n')
}

/// A character within `[^…]`.
fn class(c: char) -> String {
    match c {
        '\n' => "\\n".to_owned(),
        c if "\\]^-[&~".contains(c) => format!("\\{c}"),
        c => c.to_string(),
    }
}

/// The `name`, `id` or `property` of an element, or the word before a `:` or `=`.
fn name(text: &str) -> Option<String> {
    let attribute = Regex::new(r#"(?:name|id|property)=["']?([A-Za-z_][A-Za-z0-9_.-]*)"#).ok()?;
    let word = Regex::new(r#"([A-Za-z_][A-Za-z0-9_-]*)["']?\s*[:=]\s*["'`]?$"#).ok()?;
    let found = attribute.captures(text).or_else(|| word.captures(text))?;
    Some(found.get(1)?.as_str().to_owned())
        .filter(|name| !["value", "content"].contains(&name.as_str()))
}

#[cfg(test)]
mod tests {
    use super::pattern;

    #[test]
    fn hidden_fields_and_tokens_are_found_again() {
        for (text, value, name) in [
            (
                r#"<input type="hidden" name="csrf_token" value="a1b2c3d4">"#,
                "a1b2c3d4",
                "csrf_token",
            ),
            (
                r#"<meta content="x"><meta content="q+w/e=1234" name="csrf-token">"#,
                "q+w/e=1234",
                "csrf-token",
            ),
            (
                "<script>window.app = { apiKey: 'k-12345678', x: 1 }</script>",
                "k-12345678",
                "apiKey",
            ),
            (r#"<input name=t value="a&quot;b12345">"#, "a\"b12345", "t"),
        ] {
            let (found, called) = pattern(text, value).expect(text);
            assert_eq!(called, name, "{found}");
        }
        assert_eq!(pattern("no token here", "a1b2c3d4"), None);
    }
}
