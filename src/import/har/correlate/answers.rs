//! Values of answers by where they stand first.

use std::collections::{HashMap, HashSet};

use serde_json::Value;
use url::{Position, Url};

use super::super::super::recorded::JSON_DEPTH_MAX;
use super::super::exchange::{Exchange, HOP_COOKIE};
use super::From;
use super::markup;

/// Most values that are kept.
const VALUES_MAX: usize = 200_000;
/// Most bytes of pages that are looked through in all.
const SEARCHED_BYTES_MAX: usize = 1 << 30;
/// Longest value.
const VALUE_BYTES_MAX: usize = 4096;
/// Headers that say nothing about one answer in particular, or that a client deals with by itself.
const HEADERS: [&str; 12] = [
    "date",
    "expires",
    "last-modified",
    "server",
    "vary",
    "age",
    "via",
    "connection",
    "set-cookie",
    "location",
    "cache-control",
    "content-security-policy",
];

/// Where a value stands.
#[derive(Debug, Clone)]
pub(super) struct Source {
    /// Whose answer it is in.
    pub(super) exchange: usize,
    /// Where in it.
    pub(super) from: From,
    /// The key that it stands under.
    pub(super) key: String,
    /// A name for its variable.
    pub(super) name: String,
    /// Whether JSON has it as a number.
    pub(super) number: bool,
    /// Whether the request made something new.
    pub(super) is_new: bool,
}

/// What is known so far.
#[derive(Debug, Default)]
pub(super) struct Answers {
    by_value: HashMap<String, Source>,
    /// Answers that are text and no JSON.
    texts: Vec<usize>,
    /// Where something new is to be found.
    addresses: Vec<(String, Source)>,
    searched: usize,
}

impl Answers {
    /// Where a value stood first.
    pub(super) fn source(&self, value: &str) -> Option<&Source> {
        self.by_value.get(value)
    }

    /// The `Location` that a request's whole address is.
    pub(super) fn address(&self, url: &Url) -> Option<(String, Source)> {
        let path = &url[Position::BeforePath..Position::AfterQuery];
        let mut addresses = self.addresses.iter().rev();
        addresses
            .find(|(address, _)| address == path || address == url.as_str())
            .cloned()
    }

    /// Where a value stands in an earlier page, the latest first.
    pub(super) fn in_markup(&mut self, value: &str, exchanges: &[Exchange]) -> Option<Source> {
        for index in self.texts.iter().rev() {
            let text = exchanges[*index].answer.text.as_deref().unwrap_or_default();
            self.searched += text.len();
            if self.searched > SEARCHED_BYTES_MAX {
                return None;
            }
            if let Some((pattern, key)) = markup::pattern(text, value) {
                return Some(Source {
                    exchange: *index,
                    from: From::Regex(pattern),
                    name: key.clone(),
                    key,
                    number: false,
                    is_new: false,
                });
            }
        }
        None
    }

    /// Takes note of an answer; `typed` are values that the client had before.
    pub(super) fn read(&mut self, index: usize, exchange: &Exchange, typed: &HashSet<String>) {
        let is_new = !["GET", "HEAD", "OPTIONS"].contains(&exchange.request.method.as_str());
        let template = |from: From, key: &str| Source {
            exchange: index,
            name: name(key, &exchange.request.url),
            key: key.to_owned(),
            number: false,
            is_new,
            from,
        };
        for (header, value) in &exchange.answer.headers {
            match header.as_str() {
                "set-cookie" => {
                    for (name, value) in value.lines().filter_map(cookie) {
                        self.put(value, template(From::Cookie(name.to_owned()), name), typed);
                    }
                }
                "location" if exchange.status == 201 => {
                    let source = template(From::Header(header.clone()), header);
                    self.addresses.push((value.clone(), source));
                }
                name if HEADERS.contains(&name)
                    || name == HOP_COOKIE
                    || name.starts_with("content-") => {}
                name => self.put(value, template(From::Header(name.to_owned()), name), typed),
            }
        }
        let Some(text) = &exchange.answer.text else {
            return;
        };
        match exchange
            .answer
            .mime
            .contains("json")
            .then(|| serde_json::from_str(text))
        {
            Some(Ok(json)) => self.read_json(&json, "", "", 0, &template, typed),
            Some(Err(_)) => {}
            None => self.texts.push(index),
        }
    }

    fn read_json(
        &mut self,
        value: &Value,
        pointer: &str,
        key: &str,
        depth: usize,
        template: &dyn Fn(From, &str) -> Source,
        typed: &HashSet<String>,
    ) {
        if depth > JSON_DEPTH_MAX || self.by_value.len() >= VALUES_MAX {
            return;
        }
        match value {
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.read_json(
                        item,
                        &format!("{pointer}/{index}"),
                        key,
                        depth + 1,
                        template,
                        typed,
                    );
                }
            }
            Value::Object(fields) => {
                for (key, value) in fields {
                    let step = key.replace('~', "~0").replace('/', "~1");
                    self.read_json(
                        value,
                        &format!("{pointer}/{step}"),
                        key,
                        depth + 1,
                        template,
                        typed,
                    );
                }
            }
            Value::String(text) => {
                self.put(text, template(From::Json(pointer.to_owned()), key), typed);
            }
            Value::Number(number) if number.is_u64() => {
                let mut source = template(From::Json(pointer.to_owned()), key);
                source.number = true;
                self.put(&number.to_string(), source, typed);
            }
            _ => {}
        }
    }

    /// The first place counts; a pointer with a value's sign in it could not be written.
    fn put(&mut self, value: &str, source: Source, typed: &HashSet<String>) {
        let is_odd = matches!(&source.from, From::Json(pointer) if pointer.contains("${"));
        let is_usable = !value.is_empty()
            && value.len() <= VALUE_BYTES_MAX
            && !is_odd
            && !typed.contains(value);
        if is_usable && self.by_value.len() < VALUES_MAX {
            self.by_value.entry(value.to_owned()).or_insert(source);
        }
    }
}

fn cookie(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.split(';').next()?.split_once('=')?;
    Some((name.trim(), value.trim().trim_matches('"')))
}

/// `id` of an answer of `/api/orders` is an `order_id`.
fn name(key: &str, url: &Url) -> String {
    if !["id", "uuid", "key"].contains(&key.to_ascii_lowercase().as_str()) {
        return key.to_owned();
    }
    let segments = url.path().rsplit('/');
    let is_word = |part: &&str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|byte| byte.is_ascii_alphabetic() || b"-_".contains(&byte))
    };
    match segments.filter(|part| part.len() > 2).find(is_word) {
        Some(part) => format!("{}_{key}", part.strip_suffix('s').unwrap_or(part)),
        None => key.to_owned(),
    }
}
