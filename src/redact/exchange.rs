//! A request and its answer as text. What is secret in one of them is hidden in both: an answer may repeat what it was sent.

use std::fmt::Write as _;

use http::HeaderMap;

use super::{Redactor, Shown, applied, mark, plain};

/// Characters of a body that are shown.
const BODY_CHARS_MAX: usize = 2048;

/// Bytes of a body that are looked through.
const BODY_BYTES_MAX: usize = 8 * 1024;

/// Of a body that goes on, so much at the end is looked through and not shown: a secret that was cut in two there might not be
/// known by its shape.
const BODY_TORN_BYTES: usize = 1024;

/// A secret that is shorter is not looked for elsewhere in the exchange.
const LEARNT_BYTES_MIN: usize = 6;

/// Headers that tie a request to its trace. They hold ids that look like anything.
const TRACE_HEADERS: [&str; 5] = ["traceparent", "tracestate", "baggage", "b3", "x-datadog-"];

/// One direction of an exchange.
#[derive(Debug, Clone, Copy)]
pub struct Message<'a> {
    /// `GET /path HTTP/1.1` or `HTTP/1.1 200`.
    pub first_line: &'a str,
    /// Its headers.
    pub headers: &'a HeaderMap,
    /// Its body, or as much as was kept.
    pub body: &'a [u8],
}

impl Redactor {
    /// Hides what is secret in these messages wherever else it stands.
    pub fn learn_from<'a>(&mut self, messages: impl IntoIterator<Item = &'a Message<'a>>) {
        for message in messages {
            let mut found = self.secrets_in(message.first_line);
            for (name, value) in message.headers {
                let value = String::from_utf8_lossy(value.as_bytes());
                found.extend(self.secrets_of_header(name.as_str(), &value));
            }
            found.extend(self.secrets_in(&text_of(message.body)));
            found.retain(|value| value.len() >= LEARNT_BYTES_MIN);
            found.into_iter().for_each(|value| self.learn(value));
        }
    }

    /// A message as text.
    pub fn show_message(&self, message: &Message<'_>) -> Shown {
        let mut text = format!("{}\n", self.show_line(message.first_line));
        for (name, value) in message.headers {
            let value = String::from_utf8_lossy(value.as_bytes());
            // Writing to a String does not fail.
            let _ = writeln!(text, "{name}: {}", self.show_header(name.as_str(), &value));
        }
        if !message.body.is_empty() {
            text.push('\n');
            text.push_str(&self.show_body(message.body));
        }
        Shown(text)
    }

    /// A header's value: of cookies the names stay, of authorization the scheme.
    pub fn show_header(&self, name: &str, value: &str) -> Shown {
        let value = value.trim();
        if is_trace_header(name) {
            return Shown(plain::line(value));
        }
        if name.eq_ignore_ascii_case("cookie") {
            let pairs: Vec<String> = value.split(';').map(cookie).collect();
            return Shown(pairs.join("; "));
        }
        if name.eq_ignore_ascii_case("set-cookie") {
            let (first, attributes) = value.split_once(';').unwrap_or((value, ""));
            let attributes = self.show_line(attributes);
            let end = if attributes.is_empty() { "" } else { ";" };
            return Shown(format!("{}{end}{attributes}", cookie(first)));
        }
        if self.is_secret(name) {
            let (scheme, secret) = scheme_and_secret(value);
            return Shown(format!("{}{}", plain::line(scheme), hidden(secret)));
        }
        self.show_line(value)
    }

    /// The first part of a body.
    pub fn show_body(&self, body: &[u8]) -> Shown {
        let text = text_of(body);
        let end = match body.len() > BODY_BYTES_MAX {
            true => floor_char(&text, text.len().saturating_sub(BODY_TORN_BYTES)),
            false => text.len(),
        };
        let shown = applied(&text, self.edits(&text, false), end);
        Shown(shown.chars().take(BODY_CHARS_MAX).collect())
    }

    fn secrets_of_header(&self, name: &str, value: &str) -> Vec<String> {
        if is_trace_header(name) {
            return Vec::new();
        }
        if name.eq_ignore_ascii_case("cookie") {
            return value.split(';').filter_map(cookie_value).collect();
        }
        if name.eq_ignore_ascii_case("set-cookie") {
            return value
                .split(';')
                .next()
                .and_then(cookie_value)
                .into_iter()
                .collect();
        }
        if !self.is_secret(name) {
            return self.secrets_in(value);
        }
        let (scheme, secret) = scheme_and_secret(value.trim());
        let mut found = vec![secret.to_owned()];
        if scheme.trim().eq_ignore_ascii_case("basic") {
            found.extend(password_of(secret));
        }
        found
    }
}

fn is_trace_header(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.starts_with("x-b3-") || TRACE_HEADERS.iter().any(|known| name.starts_with(known))
}

fn cookie(pair: &str) -> String {
    match pair.trim().split_once('=') {
        Some((name, value)) => format!("{}={}", plain::line(name), hidden(value)),
        None => hidden(pair.trim()),
    }
}

fn cookie_value(pair: &str) -> Option<String> {
    let (_, value) = pair.trim().split_once('=')?;
    Some(value.trim_matches('"').to_owned())
}

/// Nothing is no secret.
fn hidden(secret: &str) -> String {
    match secret.is_empty() {
        true => String::new(),
        false => mark(secret),
    }
}

/// `Bearer ` and what follows it; a value of one word has no scheme.
fn scheme_and_secret(value: &str) -> (&str, &str) {
    let is_scheme = |word: &str| word.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    match value.find(' ') {
        Some(at) if is_scheme(&value[..at]) && value[..at].len() <= "AWS4-HMAC-SHA256".len() => {
            value.split_at(at + 1)
        }
        _ => ("", value),
    }
}

/// The password of basic authorization.
fn password_of(base64: &str) -> Option<String> {
    use base64::Engine as _;
    let bytes = base64::engine::general_purpose::STANDARD
        .decode(base64)
        .ok()?;
    let text = String::from_utf8(bytes).ok()?;
    text.split_once(':')
        .map(|(_, password)| password.to_owned())
}

/// The beginning of a body as text; what is no text is not shown.
fn text_of(body: &[u8]) -> String {
    let kept = &body[..body.len().min(BODY_BYTES_MAX)];
    match std::str::from_utf8(kept) {
        Ok(text) => text.to_owned(),
        // The last character was cut in two.
        Err(error) if error.error_len().is_none() => {
            String::from_utf8_lossy(&kept[..error.valid_up_to()]).into_owned()
        }
        Err(_) => format!("[{} bytes that are no text]", body.len()),
    }
}

fn floor_char(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}
