//! What a worker tells of its shoppers' browsers, for their RUM events, and when a browser's session is renewed.
//!
//! On the way of the load: a record is pushed to a list, and the list handed over now and then. Nothing here waits.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use telemetry::browser::SessionClock;

use super::plan::Plan;
use crate::rum::record::{Record, What};
use crate::rum::thread::Feed;
use crate::scenario::Scenario;
use crate::transport::{Origin, Outgoing};

/// A worker's records, on their way to the thread of RUM events.
pub(super) struct RumTap {
    feed: Feed,
    records: RefCell<Vec<Record>>,
    target: Arc<Origin>,
    /// The same in a URL.
    target_url: Arc<str>,
    /// Whether requests name the shoppers' browsers.
    pub(super) names_browsers: bool,
}

/// What is known of one shopper's browser.
#[derive(Debug, Clone, Copy)]
pub(super) struct Browsing {
    /// Whether its events are kept.
    pub(super) is_told: bool,
    pub(super) clock: SessionClock,
    /// Sessions that were too old.
    pub(super) renewals: u32,
}

impl Browsing {
    pub(super) fn begin(arrival: Duration) -> Self {
        Self {
            is_told: false,
            clock: SessionClock::begin(arrival),
            renewals: 0,
        }
    }
}

impl RumTap {
    pub(super) fn new(feed: Feed, plan: &Plan, scenario: &Scenario) -> Self {
        let target = plan.target().clone();
        Self {
            feed,
            records: RefCell::new(Feed::portion()),
            target_url: url_of(&target),
            target,
            names_browsers: scenario.names_browsers(),
        }
    }

    /// Whether a session that begins now is to be told of.
    pub(super) fn takes_session(&self) -> bool {
        self.feed.takes_session()
    }

    pub(super) fn tell(&self, record: Record) {
        let mut records = self.records.borrow_mut();
        records.push(record);
        if Feed::is_portion(&records) {
            self.feed
                .hand_over(std::mem::replace(&mut records, Feed::portion()));
        }
    }

    /// Hands over what there is.
    pub(super) fn tick(&self) {
        let mut records = self.records.borrow_mut();
        if !records.is_empty() {
            self.feed
                .hand_over(std::mem::replace(&mut records, Feed::portion()));
        }
    }

    /// Hands over the rest, when the load is over.
    pub(super) fn last(&self) {
        self.feed.last(self.records.take());
    }

    /// Scheme, host and port of where a request goes.
    pub(super) fn origin_of(&self, outgoing: &Outgoing) -> Arc<str> {
        match Arc::ptr_eq(&outgoing.origin, &self.target) {
            true => self.target_url.clone(),
            false => url_of(&outgoing.origin),
        }
    }
}

fn url_of(origin: &Origin) -> Arc<str> {
    let scheme = if origin.tls { "https" } else { "http" };
    let authority = origin.authority.to_str().unwrap_or(&origin.host);
    format!("{scheme}://{authority}").into()
}

/// What a record is made of.
pub(super) fn record(shopper: u64, at: Duration, what: What) -> Record {
    Record { shopper, at, what }
}
