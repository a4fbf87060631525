//! What a source amounts to, before it is written as a scenario. Every text is one of the language already: `${…}` is a value, a
//! literal `${` is escaped.

use std::time::Duration;

use serde_json::{Map, Value};

use super::vault::Needed;

/// A scenario to be.
#[derive(Debug, Default)]
pub struct Draft {
    /// Its name.
    pub name: String,
    /// What it is, in a sentence.
    pub about: String,
    /// Comments at the top, a line each.
    pub remarks: Vec<String>,
    /// What must be in the environment.
    pub needed: Vec<Needed>,
    /// Base URL of what it is sent to.
    pub target: String,
    /// Who the shoppers call themselves: device and browser.
    pub client: Option<(&'static str, &'static str)>,
    /// The section `http`.
    pub http: Map<String, Value>,
    /// What shoppers do.
    pub journeys: Vec<DraftJourney>,
}

impl Draft {
    /// Every request that is sent.
    pub(super) fn requests_mut(&mut self) -> impl Iterator<Item = &mut DraftRequest> {
        let items = self
            .journeys
            .iter_mut()
            .flat_map(|journey| &mut journey.items);
        items.flat_map(|item| match item {
            Item::One(request) => std::slice::from_mut(request.as_mut()),
            Item::Together(requests) => requests.as_mut_slice(),
            _ => &mut [],
        })
    }

    /// Puts the headers that all requests have, and that say nothing of who sends them, where they stand once.
    pub(super) fn hoist_headers(&mut self) {
        const COMMON: [&str; 4] = [
            "accept",
            "accept-language",
            "user-agent",
            "x-requested-with",
        ];
        let mut common: Option<Vec<(String, String)>> = None;
        for request in self.requests_mut() {
            let has = |header: &(String, String)| request.headers.contains(header);
            match &mut common {
                None => {
                    let own = request.headers.iter().cloned();
                    common = Some(
                        own.filter(|(name, _)| COMMON.contains(&name.as_str()))
                            .collect(),
                    );
                }
                Some(common) => common.retain(has),
            }
        }
        let common = common.unwrap_or_default();
        if common.is_empty() {
            return;
        }
        for request in self.requests_mut() {
            request.headers.retain(|header| !common.contains(header));
        }
        let headers = common.into_iter().map(|(name, value)| (name, value.into()));
        let headers: Map<String, Value> = headers.collect();
        self.http.insert("headers".to_owned(), headers.into());
    }
}

/// One walk.
#[derive(Debug, Default)]
pub struct DraftJourney {
    /// Its name.
    pub name: String,
    /// What happens, in order.
    pub items: Vec<Item>,
}

/// One thing that happens.
#[derive(Debug)]
pub enum Item {
    /// A comment with a blank line before it.
    Heading(Vec<String>),
    /// A pause.
    Think(Duration),
    /// Variables to set, with what is said about them.
    Set(Map<String, Value>, Vec<String>),
    /// One request.
    One(Box<DraftRequest>),
    /// Requests at the same time.
    Together(Vec<DraftRequest>),
    /// A request that is written as a comment.
    Off(Box<DraftRequest>),
}

/// One request.
#[derive(Debug, Default)]
pub struct DraftRequest {
    /// In lower case.
    pub method: String,
    /// Path, or whole URL.
    pub url: String,
    /// Its name, where the usual one would not do.
    pub name: Option<String>,
    /// Headers in order; one name may stand there more than once.
    pub headers: Vec<(String, String)>,
    /// The value of `auth`.
    pub auth: Option<Value>,
    /// What is sent.
    pub body: Option<DraftBody>,
    /// Statuses that are right.
    pub statuses: Vec<u16>,
    /// Variables and where they come from, as `extract` has it.
    pub extract: Map<String, Value>,
    /// The longest wait.
    pub timeout: Option<Duration>,
    /// Whether shoppers go on where it fails.
    pub go_on: bool,
    /// Comments above it.
    pub remarks: Vec<String>,
}

impl DraftRequest {
    /// Leaves out headers whose names cannot be sent, and says so.
    pub(super) fn leave_out_unsendable(&mut self) {
        let Self {
            headers, remarks, ..
        } = self;
        headers.retain(|(name, _)| {
            let is_name = http::HeaderName::from_bytes(name.as_bytes()).is_ok();
            if !is_name {
                remarks.push(format!(
                    "The header {name} cannot be sent and was left out."
                ));
            }
            is_name
        });
    }
}

/// What is sent.
#[derive(Debug, Clone, PartialEq)]
pub enum DraftBody {
    /// As JSON.
    Json(Value),
    /// As form fields.
    Form(Map<String, Value>),
    /// As a form with files.
    Multipart(Map<String, Value>),
    /// As it stands, with its content type.
    Text(String, String),
}
