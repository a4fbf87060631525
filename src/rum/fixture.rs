//! A shop of three steps and the walks of shoppers in it, for the tests of this module.

use std::sync::Arc;
use std::time::Duration;

use telemetry::browser::RequestIds;
use uuid::Uuid;

use super::record::{Answered, Record, What};
use super::scene::Scene;
use super::session::{Outbox, Session};
use super::visitor::{Application, Visitor};
use crate::data::Client;
use crate::scenario::{HttpRequest, Step, StepKind, StepName, StepNameId};
use crate::shopper::fixture::{self, scenario};
use crate::template::Template;

const STEPS: [&str; 3] = [
    "GET /api/products",
    "GET /api/products/{id}",
    "POST /api/orders",
];
const PATHS: [&str; 3] = ["/api/products?limit=20", "/api/products/7", "/api/orders"];

/// Milliseconds since 1970.
const NOON: u64 = 1_795_780_800_000;

pub(super) const AGENT: &str = "Mozilla/5.0 (test)";

/// One request: its step, how long the shopper thinks before it, how long it takes, and its status.
#[derive(Debug, Clone, Copy)]
pub(super) struct Move {
    pub(super) step: usize,
    pub(super) think: Duration,
    pub(super) takes: Duration,
    pub(super) status: u16,
}

pub(super) fn scene() -> Scene {
    let mut scenario = scenario(7);
    let step = |index: usize| Step {
        figure: StepNameId(index as u16),
        kind: StepKind::Http(HttpRequest {
            method: http::Method::GET,
            url: Template::text(PATHS[index]),
            headers: Vec::new(),
            body: None,
            redirects: None,
        }),
        go_on_after_error: true,
        ..fixture::step()
    };
    scenario.steps = (0..STEPS.len()).map(step).collect();
    let name = |name: &str| StepName {
        name: name.to_owned(),
        service: String::new(),
        tags: Vec::new(),
    };
    scenario.figures = STEPS.into_iter().map(name).collect();
    let application = Application {
        id: Uuid::from_u128(0xa),
        service: "storefront".to_owned(),
        env: "test".to_owned(),
        version: Some("1,2".to_owned()),
        session_sample_rate: 100.0,
        trace_sample_rate: 50.0,
    };
    Scene::new(&scenario, application, NOON)
}

/// The records of a shopper's walk.
pub(super) fn walk(moves: &[Move]) -> Vec<Record> {
    let mut at = Duration::from_secs(1);
    let visitor = Visitor {
        session: Uuid::from_u128(0x5e),
        client: Client::of("mobile", "safari", "DE"),
        user_agent: AGENT,
        persona: 0,
    };
    let mut records = vec![record(at, What::Arrived(Box::new(visitor)))];
    for one in moves {
        if !one.think.is_zero() {
            records.push(record(at, What::Rests));
            at += one.think;
            records.push(record(at, What::Wakes));
        }
        let asked = at;
        at += one.takes;
        records.push(record(at, What::Answered(Box::new(answered(one, asked)))));
    }
    records.push(record(at, What::Left));
    records
}

pub(super) fn record(at: Duration, what: What) -> Record {
    let shopper = 3;
    Record { shopper, at, what }
}

fn answered(one: &Move, asked: Duration) -> Answered {
    let ids = RequestIds {
        trace_id: 11,
        span_id: 12,
    };
    Answered {
        step: one.step as u16,
        asked,
        sent: asked + one.takes / 10,
        method: match one.step {
            2 => http::Method::POST,
            _ => http::Method::GET,
        },
        origin: Arc::from("http://shop.test"),
        path: PATHS[one.step].parse().expect("a path"),
        status: one.status,
        wire_bytes: 400,
        decoded_bytes: 1_000,
        is_document: false,
        ids: Some(ids),
        error: match one.status {
            0 => Some("timeout".into()),
            404 => Some("status_404".into()),
            _ => None,
        },
    }
}

/// What a browser sends, when someone looks at it now and then (`None` for never).
pub(super) fn sent(records: &[Record], look_every: Option<Duration>) -> Outbox {
    let (scene, mut out) = (scene(), Outbox::default());
    let What::Arrived(visitor) = &records[0].what else {
        unreachable!("a walk begins with an arrival");
    };
    let mut session = Session::open(&scene, &records[0], visitor, &mut out);
    for (record, next) in records
        .iter()
        .zip(records[1..].iter().map(Some).chain([None]))
    {
        session.on(&scene, record, &mut out);
        let Some((every, next)) = look_every.zip(next) else {
            continue;
        };
        let mut at = record.at + every;
        while at < next.at {
            session.look(&scene, at, &mut out);
            at += every;
        }
    }
    out
}
