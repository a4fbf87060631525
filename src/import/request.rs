//! From a recorded request to one of a scenario.

use http::{HeaderName, HeaderValue};
use indexmap::IndexMap;
use serde_json::{Map, Value, json};
use url::{Position, Url};

use super::body::body;
use super::draft::DraftRequest;
use super::making::Making;
use super::recorded::{Recorded, is_scheme};
use super::route;
use super::text::{Spelling, url_safe};
use super::vault::{basic, is_left_to_the_client};

/// Methods that the language has.
const METHODS: [&str; 7] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];

/// Whether a scenario can send requests with this method.
pub(super) fn is_method(method: &str) -> bool {
    METHODS.contains(&method)
}

impl Making<'_> {
    /// The request; its statuses, extractions and what is said of them are the caller's.
    pub(super) fn request(&self, recorded: &Recorded) -> DraftRequest {
        let path = self.path(&recorded.url);
        let is_elsewhere = recorded.url.origin() != *self.target;
        let host = is_elsewhere.then(|| place(&recorded.url));
        let method = recorded.method.to_ascii_lowercase();
        let mut draft = DraftRequest {
            name: route::name(&method, &path, host.as_deref()),
            url: match is_elsewhere {
                true => format!("{}{path}", recorded.url.origin().ascii_serialization()),
                false => path,
            },
            method,
            ..DraftRequest::default()
        };
        self.credentials(recorded, &mut draft);
        self.headers(recorded, &mut draft);
        body(self, recorded, &mut draft);
        draft
    }

    /// Path and query.
    fn path(&self, url: &Url) -> String {
        let path = url_safe(&url[Position::BeforePath..Position::AfterPath]);
        let path = self.woven(&path, Spelling::Url);
        let path = if path.is_empty() {
            "/".to_owned()
        } else {
            path
        };
        let Some(query) = url.query() else {
            return path;
        };
        let pairs = query.split('&').map(|pair| self.query_pair(pair));
        format!("{path}?{}", pairs.collect::<Vec<_>>().join("&"))
    }

    fn query_pair(&self, pair: &str) -> String {
        let Some((name, _)) = pair.split_once('=') else {
            return self.woven(&url_safe(pair), Spelling::Url);
        };
        let decoded = url::form_urlencoded::parse(pair.as_bytes()).next();
        let whole = decoded.and_then(|(name, value)| self.whole(&name, &value));
        match whole {
            Some(whole) => format!("{}={whole}", url_safe(name)),
            None => self.woven(&url_safe(pair), Spelling::Url),
        }
    }

    fn credentials(&self, recorded: &Recorded, draft: &mut DraftRequest) {
        let in_url = (!recorded.url.username().is_empty()).then(|| {
            let decode = |text: &str| {
                let decoded = percent_encoding::percent_decode_str(text);
                decoded.decode_utf8_lossy().into_owned()
            };
            let password = recorded.url.password().unwrap_or_default();
            (decode(recorded.url.username()), decode(password))
        });
        if let Some((user, password)) = basic(recorded).or(in_url) {
            let password = self.whole("password", &password);
            draft.auth = Some(json!({ "basic": {
                "user": self.woven(&user, Spelling::Plain),
                "password": password.unwrap_or_default(),
            } }));
        }
    }

    fn headers(&self, recorded: &Recorded, draft: &mut DraftRequest) {
        let is_read = ["GET", "HEAD"].contains(&recorded.method.as_str());
        for (name, value) in &recorded.headers {
            let is_usual = match name.as_str() {
                "accept" => is_accept_of_a_browser(value.trim()),
                "cache-control" => ["no-cache", "max-age=0"].contains(&value.trim()),
                "origin" | "referer" => is_read,
                "authorization" => draft.auth.is_some(),
                // With a body, or not at all.
                "content-type" => true,
                "user-agent" => !self.keeps_agent,
                _ => is_left_to_the_client(name),
            };
            if is_usual {
                continue;
            }
            // What a page is asked for with goes on for a line, and begins with what counts.
            let is_page = name == "accept" && value.starts_with("text/html,application/xhtml+xml");
            let value = if is_page { "text/html" } else { value };
            if HeaderName::from_bytes(name.as_bytes()).is_err()
                || HeaderValue::from_str(value).is_err()
            {
                draft.remarks.push(format!(
                    "The header {name} cannot be sent and was left out."
                ));
                continue;
            }
            draft
                .headers
                .push((name.clone(), self.header(name, value.trim())));
        }
    }

    fn header(&self, name: &str, value: &str) -> String {
        if let Some((scheme, token)) = value.split_once(' ').filter(|(word, _)| is_scheme(word)) {
            return format!("{scheme} {}", self.value(name, token.trim()));
        }
        self.value(name, value)
    }
}

/// What browsers accept where anything will do, and of images and style sheets.
fn is_accept_of_a_browser(value: &str) -> bool {
    value == "*/*"
        || value == "text/css,*/*;q=0.1"
        || value.starts_with("image/") && value.contains("*/*")
}

/// Host and port as they stand in URLs.
pub(super) fn place(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

/// Headers as `headers` has them: a name that is there more than once with a list.
pub(super) fn as_mapping(headers: &[(String, String)]) -> Map<String, Value> {
    let mut lists: IndexMap<&str, Vec<&str>> = IndexMap::new();
    for (name, value) in headers {
        lists.entry(name).or_default().push(value);
    }
    let joined = |(name, values): (&str, Vec<&str>)| {
        let value = match values.as_slice() {
            [one] => json!(one),
            // All cookies stand in one line.
            several if name == "cookie" => json!(several.join("; ")),
            several => json!(several),
        };
        (name.to_owned(), value)
    };
    lists.into_iter().map(joined).collect()
}
