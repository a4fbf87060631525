//! Correlation: values of earlier answers that later requests send, so that each shopper sends its own.
//!
//! A value counts when it is long or telling enough, came in an answer that was there before the request was sent, and was in no
//! request before that. Cookies are the jar's; only one that goes out elsewhere (a token against forgery) is looked at.

mod answers;
mod markup;

use std::collections::HashSet;

use serde_json::{Value, json};

use super::super::recorded::{Held, HeldIn};
use super::super::text::Swap;
use super::super::vault::{Vault, is_left_to_the_client, snake};
use super::exchange::Exchange;
use super::pace::Group;
use answers::{Answers, Source};

/// Most variables that are made.
const VARIABLES_MAX: usize = 200;
/// From how many characters on a value speaks for itself.
const TELLING_CHARS_MIN: usize = 8;
/// From how many on, under the name of an id.
const ID_CHARS_MIN: usize = 5;
/// Longest value.
const VALUE_CHARS_MAX: usize = 4096;

/// Where a value comes from in an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum From {
    /// A JSON pointer.
    Json(String),
    /// A header.
    Header(String),
    /// A cookie that is set.
    Cookie(String),
    /// The first group of a regular expression.
    Regex(String),
}

/// A variable that a step remembers.
#[derive(Debug, Clone)]
pub(super) struct Found {
    /// Its name.
    pub(super) variable: String,
    from: From,
    /// In how many later requests it stands.
    uses: usize,
    value: String,
}

/// Which requests send what earlier answers held.
#[derive(Debug, Default)]
pub(super) struct Links {
    sent: Vec<Vec<Swap>>,
    found: Vec<Vec<Found>>,
    urls: Vec<Option<String>>,
    numbers: Vec<String>,
}

impl Found {
    /// As `extract` has it.
    pub(super) fn shape(&self) -> Value {
        match &self.from {
            From::Json(pointer) => json!(pointer.replace("${", "$${")),
            From::Header(name) => json!({ "header": name }),
            From::Cookie(name) => json!({ "cookie": name }),
            From::Regex(pattern) => json!({ "regex": pattern }),
        }
    }

    /// What is said of it.
    pub(super) fn remark(&self) -> String {
        let requests = if self.uses == 1 {
            "request sends"
        } else {
            "requests send"
        };
        format!(
            "${{{}}} is taken from this answer; {} later {requests} it.",
            self.variable, self.uses
        )
    }
}

impl Links {
    /// What a request sends.
    pub(super) fn sent(&self, index: usize) -> &[Swap] {
        self.sent.get(index).map_or(&[], Vec::as_slice)
    }

    /// What a request's answer is asked for.
    pub(super) fn found(&self, index: usize) -> &[Found] {
        self.found.get(index).map_or(&[], Vec::as_slice)
    }

    /// The variable that holds a request's whole address.
    pub(super) fn url(&self, index: usize) -> Option<&str> {
        self.urls.get(index)?.as_deref()
    }

    /// Variables that hold numbers.
    pub(super) fn numbers(&self) -> &[String] {
        &self.numbers
    }

    /// All variables.
    pub(super) fn variables(&self) -> Vec<String> {
        let all = self.found.iter().flatten();
        all.map(|found| found.variable.clone()).collect()
    }

    /// Lets a request send a value of an answer.
    fn link(&mut self, index: usize, value: &str, source: &Source, vault: &mut Vault) {
        let at = source.exchange;
        let is_full = self.variables().len() >= VARIABLES_MAX;
        let known = self.found[at].iter_mut().find(|found| found.value == value);
        let is_new = !self.sent[index].iter().any(|swap| swap.value == value);
        let variable = match known {
            Some(found) => {
                found.uses += usize::from(is_new);
                found.variable.clone()
            }
            None if is_full => return,
            None => {
                let variable = vault.free(&snake(&source.name));
                if source.number {
                    self.numbers.push(variable.clone());
                }
                self.found[at].push(Found {
                    variable: variable.clone(),
                    from: source.from.clone(),
                    uses: 1,
                    value: value.to_owned(),
                });
                variable
            }
        };
        if is_new {
            self.sent[index].push(Swap {
                value: value.to_owned(),
                hole: variable,
            });
        }
    }
}

/// Finds them.
pub(super) fn links(exchanges: &[Exchange], groups: &[Group], vault: &mut Vault) -> Links {
    let mut links = Links {
        sent: vec![Vec::new(); exchanges.len()],
        found: vec![Vec::new(); exchanges.len()],
        urls: vec![None; exchanges.len()],
        numbers: Vec::new(),
    };
    let mut answers = Answers::default();
    let mut typed: HashSet<String> = HashSet::new();
    for group in groups {
        for index in group.members() {
            let exchange = &exchanges[index];
            if let Some((value, source)) = answers.address(&exchange.request.url) {
                links.link(index, &value, &source, vault);
                links.urls[index] = links.sent[index].last().map(|swap| swap.hole.clone());
            }
            for held in exchange.request.values() {
                request_value(
                    &mut links,
                    index,
                    &held,
                    &mut answers,
                    exchanges,
                    &mut typed,
                    vault,
                );
            }
        }
        for index in group.members() {
            answers.read(index, &exchanges[index], &typed);
        }
    }
    links
}

fn request_value(
    links: &mut Links,
    index: usize,
    held: &Held<'_>,
    answers: &mut Answers,
    exchanges: &[Exchange],
    typed: &mut HashSet<String>,
    vault: &mut Vault,
) {
    let value = held.value.as_ref();
    let is_own = held.place == HeldIn::Header && is_left_to_the_client(&held.name);
    if is_own || value.len() > VALUE_CHARS_MAX || typed.contains(value) {
        return;
    }
    let source = answers
        .source(value)
        .filter(|source| is_telling(value, source, held));
    let source = source.cloned().or_else(|| {
        is_unlike_words(value)
            .then(|| answers.in_markup(value, exchanges))
            .flatten()
    });
    match source {
        Some(source) => links.link(index, value, &source, vault),
        None => drop(typed.insert(value.to_owned())),
    }
}

/// Whether a value that stands in an answer and in a request is more than a chance.
fn is_telling(value: &str, source: &Source, held: &Held<'_>) -> bool {
    if matches!(source.from, From::Cookie(_)) {
        return is_unlike_words(value) && held.place != HeldIn::Path;
    }
    let names_one = |name: &str| {
        let name = snake(name);
        name == "id" || name.ends_with("_id") || name.ends_with("uuid")
    };
    let is_id = names_one(&source.key);
    let is_asked_as_id = held.place == HeldIn::Path || names_one(&held.name);
    match value.len() {
        _ if is_unlike_words(value) => true,
        _ if is_id && is_asked_as_id && source.is_new => true,
        length => is_id && is_asked_as_id && length >= ID_CHARS_MIN,
    }
}

/// Whether a value is long, and no word or number that would stand in many places.
fn is_unlike_words(value: &str) -> bool {
    let digits = value.bytes().filter(u8::is_ascii_digit).count();
    let is_solid = value.bytes().all(|byte| byte.is_ascii_graphic());
    let is_mixed = digits > 0 && digits < value.len();
    let is_plain_number = digits == value.len();
    // A type (`text/html`), a file, a time and a version hold digits and letters, too.
    let is_made_of_parts = value.contains(['/', ',', ';', '(', ' ', '@']) && value.len() < 24;
    is_solid
        && !is_made_of_parts
        && value.len() >= TELLING_CHARS_MIN
        && !is_plain_number
        && (is_mixed || value.len() >= 20)
}
