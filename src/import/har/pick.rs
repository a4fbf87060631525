//! Which requests are taken, and what their paths are relative to.

use std::collections::HashSet;

use indexmap::IndexMap;
use url::{Origin, Url};

use super::super::Tally;
use super::super::request::place;
use super::Settings;
use super::exchange::Exchange;

/// What is taken.
pub(super) struct Picked {
    /// Where most pages come from.
    pub(super) target: Origin,
    /// In order.
    pub(super) exchanges: Vec<Exchange>,
}

/// Takes the requests to the places of the pages, and to those that are named.
pub(super) fn pick(
    exchanges: Vec<Exchange>,
    settings: &Settings,
    skipped: &mut Tally,
) -> Result<Picked, String> {
    let pages = page_places(&exchanges);
    let Some(target) = target(&exchanges, &pages) else {
        return Err(format!(
            "nothing in the recording can be sent; it holds {skipped}"
        ));
    };
    let is_named = |url: &Url| {
        let host = url.host_str().unwrap_or_default();
        let mut named = settings.hosts.iter();
        named.any(|name| name == "*" || name == host || *name == place(url))
    };
    let mut elsewhere: IndexMap<String, usize> = IndexMap::new();
    let mut kept = Vec::new();
    for exchange in exchanges {
        let url = &exchange.request.url;
        if url.origin() != target && !pages.contains(&url.origin()) && !is_named(url) {
            *elsewhere.entry(place(url)).or_default() += 1;
        } else if exchange.asset && settings.without_assets {
            skipped.add("style sheets, scripts, images, fonts and media");
        } else {
            kept.push(exchange);
        }
    }
    elsewhere.sort_by(|_, one, _, other| other.cmp(one));
    for (place, count) in elsewhere {
        skipped.add_many(
            format!("to {place}; `--host {place}` takes them along"),
            count,
        );
    }
    match kept.is_empty() {
        true => Err(format!("nothing is left of the recording: {skipped}")),
        false => Ok(Picked {
            target,
            exchanges: kept,
        }),
    }
}

/// Where pages came from: of each page what was asked for first, for what follows may be a frame with an advertisement.
fn page_places(exchanges: &[Exchange]) -> HashSet<Origin> {
    let mut seen = HashSet::new();
    let documents = exchanges.iter().filter(|exchange| exchange.document);
    let first = documents.filter(|exchange| match &exchange.page {
        Some(page) => seen.insert(page.clone()),
        None => true,
    });
    first
        .map(|exchange| exchange.request.url.origin())
        .collect()
}

/// The most frequent place, of pages if there are any; of equals the first.
fn target(exchanges: &[Exchange], pages: &HashSet<Origin>) -> Option<Origin> {
    let mut counts: IndexMap<Origin, usize> = IndexMap::new();
    for exchange in exchanges {
        let origin = exchange.request.url.origin();
        let is_page = exchange.document && pages.contains(&origin);
        if is_page || pages.is_empty() {
            *counts.entry(origin).or_default() += 1;
        }
    }
    let most = counts.values().max().copied()?;
    let mut counts = counts.into_iter();
    counts
        .find(|(_, count)| *count == most)
        .map(|(origin, _)| origin)
}
