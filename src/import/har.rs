//! HAR files (HTTP Archive 1.2) as browsers and proxies record them.
//!
//! The shapes are our own (`har/file.rs`) and not those of a crate: what Chrome, Firefox, Safari, mitmproxy and Fiddler write differs
//! from the standard and from each other (null for a number, no pages, a byte order mark, bodies in base64), and the crates that read
//! HAR refuse a file for it. What is not needed here is not read at all.

mod correlate;
mod exchange;
mod file;
mod pace;
mod pick;
mod source;

use serde_json::{Map, Value, json};

use super::draft::{Draft, DraftJourney, DraftRequest, Item};
use super::making::Making;
use super::route;
use super::vault::{Vault, is_of_a_trace};
use super::{Tally, write};
use correlate::Links;
use exchange::Exchange;
use pace::Group;
use pick::Picked;

/// Largest file that is read, bytes.
pub const FILE_BYTES_MAX: u64 = 256 << 20;

/// Most entries that are looked at.
pub const ENTRIES_MAX: usize = 10_000;

/// How a recording is taken.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// The scenario's name.
    pub name: String,
    /// Places whose requests are taken besides those of the pages: `host`, `host:port`, or `*` for all.
    pub hosts: Vec<String>,
    /// Whether style sheets, scripts, images, fonts and media are left out.
    pub without_assets: bool,
    /// Whether think times are left out.
    pub without_thinking: bool,
}

/// What became of a recording.
#[derive(Debug)]
pub struct Imported {
    /// The scenario.
    pub draft: Draft,
    /// Requests in it.
    pub requests: usize,
    /// Redirects that its steps follow.
    pub redirects: usize,
    /// What was left out.
    pub skipped: Tally,
    /// Variables that carry values from one answer to later requests.
    pub variables: Vec<String>,
}

/// Takes a recording.
///
/// # Errors
/// A sentence for people: what is no HAR, or holds no request that could be sent.
pub fn import(bytes: &[u8], settings: &Settings) -> Result<Imported, String> {
    let archive = file::read(bytes)?;
    let mut skipped = Tally::default();
    let pages = archive.pages();
    let exchanges = exchange::all(archive, &mut skipped);
    let mut picked = pick::pick(exchanges, settings, &mut skipped)?;
    loop {
        let imported = make(&picked, &pages, settings, &skipped);
        let bytes = write::scenario(&imported.draft).len();
        if bytes <= checked_yaml::TEXT_BYTES_MAX {
            return Ok(imported);
        }
        // What fits, with a tenth to spare: a scenario may be no larger.
        let share = checked_yaml::TEXT_BYTES_MAX as f64 / bytes as f64 * 0.9;
        let keep = (picked.exchanges.len() as f64 * share) as usize;
        let cut = picked.exchanges.len() - keep;
        skipped.add_many("at the end, for which a scenario of 1 MiB has no room", cut);
        picked.exchanges.truncate(keep);
    }
}

fn make(
    picked: &Picked,
    pages: &[(String, String)],
    settings: &Settings,
    skipped: &Tally,
) -> Imported {
    let groups = pace::groups(&picked.exchanges);
    let mut vault = Vault::default();
    let links = correlate::links(&picked.exchanges, &groups, &mut vault);
    for (index, exchange) in picked.exchanges.iter().enumerate() {
        let sent = links.sent(index);
        vault.learn(&exchange.request, &|value| {
            sent.iter().any(|swap| swap.value == value)
        });
    }
    let journey = Journey {
        picked,
        pages,
        settings,
        vault: &vault,
        links: &links,
        client: source::client(&picked.exchanges),
    };
    let mut draft = Draft {
        name: settings.name.clone(),
        about: about(picked),
        remarks: remarks(picked, skipped, &vault),
        needed: vault.needed().to_vec(),
        target: picked.target.ascii_serialization(),
        client: journey.client,
        http: Map::new(),
        journeys: vec![DraftJourney {
            name: "recorded".to_owned(),
            items: journey.items(&groups),
        }],
    };
    draft.hoist_headers();
    Imported {
        requests: picked.exchanges.len(),
        redirects: picked.exchanges.iter().map(|exchange| exchange.hops).sum(),
        skipped: skipped.clone(),
        variables: links.variables(),
        draft,
    }
}

fn about(picked: &Picked) -> String {
    let documents = picked
        .exchanges
        .iter()
        .filter(|exchange| exchange.document)
        .count();
    let requests = picked.exchanges.len();
    match documents {
        0 => format!("{requests} requests, as they were recorded."),
        1 => format!("{requests} requests of one page, as a browser sent them."),
        pages => format!("{requests} requests of {pages} pages, as a browser sent them."),
    }
}

fn remarks(picked: &Picked, skipped: &Tally, vault: &Vault) -> Vec<String> {
    let mut lines = vec!["Imported from a HAR file by `loadgen import har`.".to_owned()];
    for line in skipped.lines() {
        lines.push(format!("Left out: {}.", vault.comment(&line)));
    }
    let has_traces = |exchange: &Exchange| {
        let mut headers = exchange.request.headers.iter();
        headers.any(|(name, _)| is_of_a_trace(name))
    };
    if picked.exchanges.iter().any(has_traces) {
        lines.push("Trace headers were left out: a section `browser` sends fresh ones.".to_owned());
    }
    let cookies = source::cookies_from_before(&picked.exchanges);
    if !cookies.is_empty() {
        let names = vault.comment(&cookies.join(", "));
        lines.push(format!(
            "When the recording began, the browser had cookies already: {names}. Shoppers begin without; \
             if they are needed, add under `http`: headers: {{ cookie: \"${{env.COOKIE}}\" }}"
        ));
    }
    lines
}

/// Makes the steps.
struct Journey<'a> {
    picked: &'a Picked,
    pages: &'a [(String, String)],
    settings: &'a Settings,
    vault: &'a Vault,
    links: &'a Links,
    /// Device and browser, if it was one.
    client: Option<(&'static str, &'static str)>,
}

impl Journey<'_> {
    fn items(&self, groups: &[Group]) -> Vec<Item> {
        let mut items = Vec::new();
        let made = self.vault.made();
        if !made.is_empty() {
            let set = made.iter().map(|name| (name.clone(), json!("${uuid}")));
            let lines =
                vec!["The page made these up by itself; here each shopper has its own.".to_owned()];
            items.push(Item::Set(set.collect::<Map<String, Value>>(), lines));
        }
        let mut page = None;
        for group in groups {
            if let Some(think) = group.think.filter(|_| !self.settings.without_thinking) {
                items.push(Item::Think(think));
            }
            items.extend(self.heading(group, &mut page));
            let mut requests: Vec<DraftRequest> =
                group.members().map(|index| self.request(index)).collect();
            items.push(match requests.len() {
                1 => Item::One(Box::new(requests.remove(0))),
                _ => Item::Together(requests),
            });
        }
        items
    }

    /// What stands above the first request of a page.
    fn heading(&self, group: &Group, page: &mut Option<String>) -> Option<Item> {
        let first = &self.picked.exchanges[group.first];
        let is_new = match &first.page {
            Some(id) => *page != first.page && self.pages.iter().any(|(known, _)| known == id),
            None => first.document,
        };
        if !is_new {
            return None;
        }
        page.clone_from(&first.page);
        let path = first
            .leads_to
            .as_deref()
            .unwrap_or(first.request.url.path());
        let title = self
            .pages
            .iter()
            .find(|(id, _)| first.page.as_ref() == Some(id));
        let title = title.map_or("", |(_, title)| title.trim());
        let is_url = title.is_empty() || title.contains("://");
        let line = match is_url {
            true => format!("Page {path}"),
            false => format!("Page {path}: {title}"),
        };
        Some(Item::Heading(vec![self.vault.comment(&line)]))
    }

    fn request(&self, index: usize) -> DraftRequest {
        let exchange = &self.picked.exchanges[index];
        let making = Making {
            target: &self.picked.target,
            vault: self.vault,
            known: self.links.sent(index),
            numbers: self.links.numbers(),
            keeps_agent: self.client.is_none(),
        };
        let mut draft = making.request(&exchange.request);
        if let Some(variable) = self.links.url(index) {
            draft.name = Some(route::of(&draft.method, exchange.request.url.path()));
            draft.url = format!("${{{variable}}}");
        }
        draft.statuses = exchange.statuses();
        if exchange.hops > 0 {
            let to = self
                .vault
                .comment(exchange.leads_to.as_deref().unwrap_or_default());
            draft
                .remarks
                .push(format!("Redirected to {to}; the step follows."));
        } else if exchange.is_redirect() {
            draft
                .remarks
                .push("Redirected, and where to was not recorded; the step follows.".to_owned());
        }
        for found in self.links.found(index) {
            draft.extract.insert(found.variable.clone(), found.shape());
            draft.remarks.push(found.remark());
        }
        draft
    }
}
