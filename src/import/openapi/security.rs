//! Who asks: security schemes, of which every secret comes from the environment.

use indexmap::IndexMap;
use serde_json::{Map, Value, json};

use super::super::draft::DraftRequest;
use super::super::text::percent;
use super::super::vault::{Needed, snake};
use super::document::Document;
use crate::redact::Redactor;

/// Variables of the environment that requests need.
#[derive(Debug, Default)]
pub(super) struct Environment {
    needed: IndexMap<String, String>,
    redactor: Redactor,
}

impl Environment {
    /// `${env.NAME}`; of a request that is not sent it is not noted.
    pub(super) fn hole(&mut self, name: &str, what: &str, is_sent: bool) -> String {
        let name = snake(name).to_ascii_uppercase();
        if is_sent {
            self.needed
                .entry(name.clone())
                .or_insert_with(|| what.to_owned());
        }
        format!("${{env.{name}}}")
    }

    /// Whether what stands under a name is a secret.
    pub(super) fn is_secret(&self, name: &str) -> bool {
        self.redactor.is_secret(name)
    }

    /// All of them.
    pub(super) fn needed(&self) -> Vec<Needed> {
        let all = self.needed.iter();
        all.map(|(name, what)| Needed {
            name: name.clone(),
            what: what.clone(),
        })
        .collect()
    }
}

/// Where what a security scheme demands goes.
pub(super) struct WayIn<'a> {
    pub(super) environment: &'a mut Environment,
    pub(super) draft: &'a mut DraftRequest,
    pub(super) query: &'a mut Vec<String>,
    pub(super) cookies: &'a mut Vec<String>,
    pub(super) is_sent: bool,
}

impl WayIn<'_> {
    /// The first way in that the document names.
    pub(super) fn fill(&mut self, document: &Document, own: Option<&Value>) {
        let ways = own.or_else(|| document.at("/security"));
        let ways = ways.and_then(Value::as_array).into_iter().flatten();
        let ways: Vec<&Map<String, Value>> = ways.filter_map(Value::as_object).collect();
        if ways.iter().any(|way| way.is_empty()) {
            return;
        }
        for name in ways.first().into_iter().flat_map(|way| way.keys()) {
            let places = ["/components/securitySchemes", "/securityDefinitions"];
            let mut schemes = places
                .iter()
                .filter_map(|place| document.at(place)?.get(name));
            let Some(scheme) = schemes.next().map(|scheme| document.resolved(scheme)) else {
                continue;
            };
            let what = format!("the security scheme `{name}`");
            let kind = (
                text(scheme, "type"),
                text(scheme, "scheme").to_ascii_lowercase(),
            );
            match (kind.0, kind.1.as_str()) {
                ("basic", _) | ("http", "basic") => {
                    let user = self
                        .environment
                        .hole(&format!("{name}_user"), &what, self.is_sent);
                    let password =
                        self.environment
                            .hole(&format!("{name}_password"), &what, self.is_sent);
                    self.draft.auth =
                        Some(json!({ "basic": { "user": user, "password": password } }));
                }
                ("apiKey", _) => {
                    let value = self.environment.hole(name, &what, self.is_sent);
                    let key = text(scheme, "name");
                    match text(scheme, "in") {
                        "query" => self.query.push(format!("{}={value}", percent(key))),
                        "cookie" => self.cookies.push(format!("{key}={value}")),
                        _ => self.draft.headers.push((key.to_ascii_lowercase(), value)),
                    }
                }
                _ => {
                    let token = {
                        let ending = if snake(name).ends_with("token") {
                            ""
                        } else {
                            "_token"
                        };
                        self.environment
                            .hole(&format!("{name}{ending}"), &what, self.is_sent)
                    };
                    self.draft.auth = Some(json!({ "bearer": token }));
                }
            }
        }
    }
}

/// The text under a key; empty for none.
pub(super) fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}
