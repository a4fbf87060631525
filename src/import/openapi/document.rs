//! The document: references and servers.

use serde_json::{Map, Value};
use url::Url;

/// References that lead to references.
const REFERENCES_MAX: usize = 16;

/// A document.
#[derive(Debug)]
pub(super) struct Document {
    root: Value,
}

/// The first thing that is wrong with a text, and in which line.
fn reason(problems: &checked_yaml::Problems) -> String {
    let first = &problems.to_json()[0];
    let message = first["message"].as_str().unwrap_or("it cannot be read");
    match first["line"].as_u64() {
        Some(line) => format!("line {line}: {message}"),
        None => message.to_owned(),
    }
}

impl Document {
    /// Reads JSON or YAML.
    pub(super) fn read(name: &str, text: &str) -> Result<Self, String> {
        let text = text.trim_start_matches('\u{feff}');
        let root = match text.trim_start().starts_with('{') {
            true => {
                serde_json::from_str(text).map_err(|error| format!("this is no JSON: {error}"))?
            }
            false => checked_yaml::Document::parse(name, text)
                .map_err(|problems| format!("this is no YAML: {}", reason(&problems)))?
                .root()
                .to_json(),
        };
        let version = |key: &str| root.get(key).is_some();
        match (version("openapi") || version("swagger")) && root.get("paths").is_some() {
            true => Ok(Self { root }),
            false => Err(
                "this is no OpenAPI document: it has no `openapi` (or `swagger`) and `paths`"
                    .to_owned(),
            ),
        }
    }

    /// What stands at a pointer.
    pub(super) fn at(&self, pointer: &str) -> Option<&Value> {
        self.root.pointer(pointer)
    }

    /// A value, or what it refers to within this file.
    pub(super) fn resolved<'d>(&'d self, value: &'d Value) -> &'d Value {
        let mut value = value;
        for _ in 0..REFERENCES_MAX {
            let Some(reference) = value.get("$ref").and_then(Value::as_str) else {
                return value;
            };
            let pointer = reference.strip_prefix('#').unwrap_or_default();
            let pointer = percent_encoding::percent_decode_str(pointer).decode_utf8_lossy();
            match self.root.pointer(&pointer).filter(|_| !pointer.is_empty()) {
                Some(there) => value = there,
                None => return &Value::Null,
            }
        }
        &Value::Null
    }

    /// Where requests go, and what is to be said of it.
    pub(super) fn target(&self, usual: &str) -> (String, Option<String>) {
        let unsaid = |path: &str| {
            let remark =
                "The document does not say where it is served: set `target`, or give `--target`.";
            (format!("{usual}{path}"), Some(remark.to_owned()))
        };
        if let Some(host) = self.at("/host").and_then(Value::as_str) {
            let base = self.at("/basePath").and_then(Value::as_str).unwrap_or("");
            let scheme = self
                .at("/schemes/0")
                .and_then(Value::as_str)
                .unwrap_or("https");
            return (
                format!("{scheme}://{host}{}", base.trim_end_matches('/')),
                None,
            );
        }
        let mut url = self
            .at("/servers/0/url")
            .and_then(Value::as_str)
            .unwrap_or("")
            .to_owned();
        let variables = self.at("/servers/0/variables").and_then(Value::as_object);
        for (name, variable) in variables.unwrap_or(&Map::new()) {
            let value = variable.get("default").and_then(Value::as_str);
            url = url.replace(&format!("{{{name}}}"), value.unwrap_or_default());
        }
        match Url::parse(&url) {
            Ok(parsed)
                if ["http", "https"].contains(&parsed.scheme()) && parsed.query().is_none() =>
            {
                (url.trim_end_matches('/').to_owned(), None)
            }
            _ if url.starts_with('/') => unsaid(url.trim_end_matches('/')),
            _ => unsaid(""),
        }
    }
}
