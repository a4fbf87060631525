//! OpenAPI 3 and Swagger 2 documents: one walk over all operations.
//!
//! What an operation demands is filled in from examples, defaults and schemas, what names one thing of many from the list that has it.
//! Operations that change something are written as comments unless they are asked for.

mod document;
mod example;
mod links;
mod operation;
mod security;

use serde_json::Value;

use super::Tally;
use super::draft::{Draft, DraftJourney, Item};
use document::Document;
use links::Lists;
use operation::Operation;
use security::Environment;

/// Largest file that is read, bytes.
pub const FILE_BYTES_MAX: u64 = 16 << 20;
/// Most operations that are taken.
const OPERATIONS_MAX: usize = 2000;
/// Where it goes if the document does not say.
const TARGET: &str = "http://127.0.0.1:8080";

/// How a document is taken.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// The scenario's name.
    pub name: String,
    /// Whether operations that change something are sent.
    pub include_writes: bool,
}

/// What became of a document.
#[derive(Debug)]
pub struct Imported {
    /// The scenario.
    pub draft: Draft,
    /// Requests in it.
    pub requests: usize,
    /// What was left out.
    pub skipped: Tally,
    /// Variables that carry an id from a list to other requests.
    pub variables: Vec<String>,
}

/// Takes a document.
///
/// # Errors
/// A sentence for people: what is no such document, or names no operation that can be sent.
pub fn import(name: &str, text: &str, settings: &Settings) -> Result<Imported, String> {
    let document = Document::read(name, text)?;
    let mut skipped = Tally::default();
    let mut operations = Operation::all(&document, &mut skipped);
    let beyond = operations.len().saturating_sub(OPERATIONS_MAX);
    skipped.add_many(
        format!("operations beyond the first {OPERATIONS_MAX}"),
        beyond,
    );
    operations.truncate(OPERATIONS_MAX);
    let mut environment = Environment::default();
    let mut lists = Lists::default();
    let mut items = Vec::new();
    let mut tag: Option<&String> = None;
    let (mut requests, mut off) = (0, 0);
    for operation in &operations {
        if tag != Some(&operation.tag) {
            items.extend(heading(&operation.tag));
            tag = Some(&operation.tag);
        }
        let is_sent = settings.include_writes || operation.is_read();
        let mut request =
            operation.request(&document, &mut lists, &mut items, &mut environment, is_sent);
        request.leave_out_unsendable();
        match is_sent {
            true => {
                if operation.method == "get" {
                    lists.learn(
                        &document,
                        &operation.path,
                        operation.answer(&document),
                        items.len(),
                    );
                }
                items.push(Item::One(Box::new(request)));
                requests += 1;
            }
            false => {
                items.push(Item::Off(Box::new(request)));
                off += 1;
            }
        }
    }
    skipped.add_many(
        "operations that change something, written as comments; `--include-writes` sends them",
        off,
    );
    if requests == 0 {
        return Err(match skipped.to_string() {
            reasons if reasons.is_empty() => "the document has no operation".to_owned(),
            reasons => format!("no operation can be sent: {reasons}"),
        });
    }
    let (target, remark) = document.target(TARGET);
    let mut remarks =
        vec!["Imported from an OpenAPI document by `loadgen import openapi`.".to_owned()];
    remarks.extend(remark);
    if off > 0 {
        remarks.push(
            "Operations that change something are comments; `--include-writes` sends them."
                .to_owned(),
        );
    }
    let title = document
        .at("/info/title")
        .and_then(Value::as_str)
        .unwrap_or("an API");
    Ok(Imported {
        draft: Draft {
            name: settings.name.clone(),
            about: format!(
                "{requests} operations of {}, one after the other.",
                title.trim()
            ),
            remarks,
            needed: environment.needed(),
            target,
            journeys: vec![DraftJourney {
                name: "operations".to_owned(),
                items,
            }],
            ..Draft::default()
        },
        requests,
        skipped,
        variables: lists.variables(),
    })
}

fn heading(tag: &str) -> Option<Item> {
    let line: String = tag
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(80)
        .collect();
    (!line.trim().is_empty()).then(|| Item::Heading(vec![line]))
}
