//! Secrets of an import: what must not stand in the file, and the value that takes its place there.
//!
//! What a page made up by itself (a UUID as the key of a session or of idempotency) is made anew for each shopper; everything else
//! comes from the environment.

use std::collections::{HashMap, HashSet};

use crate::redact::Redactor;

use super::recorded::{Held, HeldIn, Recorded, without_scheme};
use super::text::{Swap, hole};

/// Shortest secret that is looked for wherever else it may stand.
const SWEPT_BYTES_MIN: usize = 6;
/// Names of many things; a short value under one of them is no secret.
const VAGUE: [&str; 5] = ["number", "key", "keys", "state", "code"];
/// From how many bytes on a value under a vague name is a secret.
const VAGUE_BYTES_MIN: usize = 8;

/// A variable of the environment that a scenario needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Needed {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub what: String,
}

/// The secrets found so far.
#[derive(Debug, Default)]
pub(super) struct Vault {
    redactor: Redactor,
    /// By value.
    holes: HashMap<String, String>,
    /// Of a length that can be looked for in any text, longest first.
    swaps: Vec<Swap>,
    needed: Vec<Needed>,
    /// Variables that are made anew for each shopper.
    made: Vec<String>,
    /// Names in use, of both kinds.
    taken: HashSet<String>,
}

impl Vault {
    /// Takes note of the secrets of a request; `is_known` says of a value that it comes from an answer, which keeps it out of the
    /// environment.
    pub(super) fn learn(&mut self, request: &Recorded, is_known: &dyn Fn(&str) -> bool) {
        let place = format!("{} {}", request.method, request.url.path());
        for held in request.values() {
            if held.place == HeldIn::Header && is_left_to_the_client(&held.name) {
                continue;
            }
            // Of basic authorization the password is kept, below.
            let is_basic = held.name == "authorization" && basic(request).is_some();
            if is_known(&held.value) || is_basic {
                continue;
            }
            if self.is_secret(&held) {
                self.keep(&held.name, &held.value, &place);
            }
        }
        if let Some(password) = request.url.password() {
            let password = percent_encoding::percent_decode_str(password).decode_utf8_lossy();
            self.keep("password", &password, &place);
        }
        if let Some((_, password)) = basic(request) {
            self.keep("password", &password, &place);
        }
        // Of JSON and forms every value has been looked at.
        let texts = request.body.iter();
        let texts = texts.filter(|body| !body.is_form() && body.json().is_none());
        for found in texts
            .flat_map(|body| self.redactor.secrets_in(&body.text))
            .collect::<Vec<_>>()
        {
            if !is_known(&found) && found.len() >= SWEPT_BYTES_MIN {
                self.keep("secret", &found, &place);
            }
        }
    }

    /// Whether a value is a secret, by its name or by its shape.
    fn is_secret(&self, held: &Held<'_>) -> bool {
        let (name, value) = (held.name.as_ref(), held.value.as_ref());
        let is_word = matches!(value, "true" | "false" | "null");
        let is_vague =
            VAGUE.contains(&name.to_ascii_lowercase().as_str()) && value.len() < VAGUE_BYTES_MIN;
        if is_word || is_vague {
            return false;
        }
        let by_name = !name.is_empty() && self.redactor.is_secret(name);
        let in_query = held.place == HeldIn::Query
            && !self
                .redactor
                .secrets_in(&format!("?{name}={value}"))
                .is_empty();
        by_name || in_query || !self.redactor.secrets_in(value).is_empty()
    }

    /// Keeps a secret; says what stands for it.
    pub(super) fn keep(&mut self, name: &str, value: &str, place: &str) -> String {
        let name = if name.is_empty() { "secret" } else { name };
        // Of `Basic dXNlcjpwdw==` the password is kept, under its own name.
        let value = without_scheme(value);
        if let Some(known) = self.holes.get(value) {
            return known.clone();
        }
        let is_made_up = uuid::Uuid::try_parse(value).is_ok_and(|uuid| uuid.get_version_num() == 4)
            || name.to_ascii_lowercase().contains("idempotenc");
        let found = if is_made_up {
            let variable = self.free(&snake(name));
            self.made.push(variable.clone());
            variable
        } else {
            let variable = self.free(&snake(name).to_ascii_uppercase());
            let shown = self.redactor.name(place);
            self.needed.push(Needed {
                name: variable.clone(),
                what: match shown.trim() {
                    "" => format!("`{}`, as it is sent", self.redactor.name(name)),
                    place => format!("`{}` of {place}", self.redactor.name(name)),
                },
            });
            format!("env.{variable}")
        };
        self.put(value, &found);
        found
    }

    fn put(&mut self, value: &str, found: &str) {
        self.holes.insert(value.to_owned(), found.to_owned());
        if value.len() >= SWEPT_BYTES_MIN {
            self.swaps.push(Swap {
                value: value.to_owned(),
                hole: found.to_owned(),
            });
            self.swaps
                .sort_by_key(|swap| std::cmp::Reverse(swap.value.len()));
        }
    }

    /// A name like this that nothing has yet.
    pub(super) fn free(&mut self, name: &str) -> String {
        let mut candidate = name.to_owned();
        let mut number = 1;
        while RESERVED.contains(&candidate.as_str()) || !self.taken.insert(candidate.clone()) {
            number += 1;
            candidate = format!("{name}_{number}");
        }
        candidate
    }

    /// What stands for a value as a whole, if it is a secret under this name.
    pub(super) fn whole(&self, name: &str, value: &str) -> Option<String> {
        let is_one = value.len() >= SWEPT_BYTES_MIN || self.redactor.is_secret(name);
        let found = is_one.then(|| self.holes.get(value))?;
        found.map(|found| hole(found))
    }

    /// What is looked for in texts.
    pub(super) fn swaps(&self) -> &[Swap] {
        &self.swaps
    }

    /// Variables of the environment, in the order in which they came up.
    pub(super) fn needed(&self) -> &[Needed] {
        &self.needed
    }

    /// Variables that are made anew for each shopper.
    pub(super) fn made(&self) -> &[String] {
        &self.made
    }

    /// A text that may stand in a comment.
    pub(super) fn comment(&self, text: &str) -> String {
        let mut redactor = self.redactor.clone();
        self.holes
            .keys()
            .for_each(|value| redactor.learn(value.as_str()));
        crate::redact::without_hashes(&redactor.show_line(text))
    }
}

/// Names that the language has for itself.
const RESERVED: [&str; 17] = [
    "uuid", "word", "basket", "shopper", "session", "persona", "device", "browser", "country",
    "seed", "run_id", "int", "pick", "popular", "person", "card", "env",
];

/// Headers that a client makes by itself, and those that belong to one trace: they are not written.
pub(super) fn is_left_to_the_client(name: &str) -> bool {
    const OWN: [&str; 22] = [
        "host",
        "connection",
        "content-length",
        "cookie",
        "accept-encoding",
        "user-agent",
        "upgrade-insecure-requests",
        "transfer-encoding",
        "upgrade",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "if-none-match",
        "if-modified-since",
        "priority",
        "dnt",
        "pragma",
        "expect",
        "purpose",
        "save-data",
        "x-client-data",
    ];
    OWN.contains(&name) || name.starts_with(':') || name.starts_with("sec-") || is_of_a_trace(name)
}

/// Whether a header ties a request to its trace.
pub(super) fn is_of_a_trace(name: &str) -> bool {
    [
        "traceparent",
        "tracestate",
        "baggage",
        "b3",
        "sentry-trace",
        "x-request-start",
    ]
    .contains(&name)
        || name.starts_with("x-b3-")
        || name.starts_with("x-datadog-")
}

/// User and password of basic authorization.
pub(super) fn basic(request: &Recorded) -> Option<(String, String)> {
    use base64::Engine as _;
    let value = request.header("authorization")?.trim();
    let (scheme, pair) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let engine = base64::engine::general_purpose::STANDARD;
    let pair = String::from_utf8(engine.decode(pair.trim()).ok()?).ok()?;
    let (user, password) = pair.split_once(':')?;
    Some((user.to_owned(), password.to_owned()))
}

/// `x-api-key`, `apiKey` → `x_api_key`, `api_key`; at most 48 characters, beginning with a letter.
pub(super) fn snake(name: &str) -> String {
    let mut out = String::new();
    let mut before = ' ';
    for c in name.chars() {
        if c.is_ascii_uppercase() && (before.is_ascii_lowercase() || before.is_ascii_digit()) {
            out.push('_');
        }
        match c.is_ascii_alphanumeric() {
            true => out.push(c.to_ascii_lowercase()),
            false if !out.is_empty() && !out.ends_with('_') => out.push('_'),
            false => {}
        }
        before = c;
    }
    let out: String = out.trim_end_matches('_').chars().take(48).collect();
    match out.chars().next() {
        None => "value".to_owned(),
        Some(first) if first.is_ascii_digit() => format!("v{out}"),
        Some(_) => out,
    }
}
