//! What shoppers would send, without sending it.
//!
//! Answers are not known: each is taken to be `200 OK`, and a value that a step would take out of one shows as `{name}`.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http::header::HOST;
use time::OffsetDateTime;

use super::plan::Plan;
use crate::journey::{Action, Cursor};
use crate::protocol::PreparedKind;
use crate::protocol::http::browser::BrowserSetup;
use crate::protocol::http::request::Located;
use crate::redact::Shown;
use crate::redact::exchange::Message;
use crate::response::Response;
use crate::scenario::{Scenario, StepId};
use crate::shopper::{ScenarioData, Shopper};
use crate::template::{Slot, Value};

/// Requests shown of one shopper: a journey may loop until an answer changes, which here it never does.
const REQUESTS_MAX: usize = 500;

/// Stands for the target where the scenario names none.
const TARGET: &str = "http://shop.example";

/// A request as it would be sent.
#[derive(Debug, Clone)]
pub struct Rendered {
    /// The shopper's number: its index in the schedule.
    pub shopper: u64,
    /// The step's name.
    pub step: String,
    /// The HTTP method.
    pub method: String,
    /// Path and query, or absolute URL.
    pub url: Shown,
    /// All headers that would be sent.
    pub headers: Vec<(String, Shown)>,
    /// The body, if any.
    pub body: Option<Shown>,
}

/// The requests of the first shoppers, in order.
pub fn render(scenario: &Scenario, shoppers: u64) -> Box<dyn Iterator<Item = Rendered>> {
    let scenario = Arc::new(scenario.clone());
    let target = scenario.target.clone().unwrap_or_else(|| TARGET.to_owned());
    let Ok(plan) = Plan::new(&scenario, &target) else {
        return Box::new(std::iter::empty());
    };
    let prepared = prepared(&scenario);
    let world = ScenarioData::new(scenario, OffsetDateTime::now_utc).with_prepared(prepared);
    let browser = BrowserSetup::new(world.scenario(), plan.target());
    let of_one = move |index| visit(&world, &plan, &browser, index);
    Box::new((0..shoppers).flat_map(of_one))
}

/// What the requests before the load would bring.
fn prepared(scenario: &Scenario) -> Vec<(Slot, Value)> {
    let steps = scenario.prepare.iter();
    let extracts = steps.flat_map(|id| &scenario.steps[usize::from(id.0)].extract);
    extracts
        .map(|extract| (extract.slot, placeholder(scenario, extract.slot)))
        .collect()
}

/// `{name}`, in the place of a value that an answer would bring.
fn placeholder(scenario: &Scenario, slot: Slot) -> Value {
    let name = &scenario.variables[usize::from(slot.0)];
    Value::Text(format!("{{{name}}}").into())
}

fn visit(world: &ScenarioData, plan: &Plan, browser: &BrowserSetup, index: u64) -> Vec<Rendered> {
    let Ok(mut shopper) = Shopper::arrive(world, index) else {
        return Vec::new();
    };
    let mut state = browser.open(world, &shopper);
    let program = &world.scenario().journeys[shopper.journey()].program;
    let mut cursor = Cursor::new(program);
    let pretended = Response::new(200, HeaderMap::new(), Bytes::new(), Duration::ZERO);
    let mut last = None;
    let mut rendered = Vec::new();
    while rendered.len() < REQUESTS_MAX {
        let steps = match cursor.next(program, world, &mut shopper, last) {
            Action::Send(step) => vec![step],
            Action::Together(steps) => steps.to_vec(),
            Action::Think(_) => continue,
            Action::Left | Action::Done | Action::Stuck => break,
        };
        for step in steps {
            let mut headers = HeaderMap::new();
            browser.add_headers(&mut state, &mut shopper, &mut headers);
            rendered.extend(request(world, plan, &mut shopper, step, headers));
            pretend(world, &mut shopper, step);
        }
        last = Some(&pretended);
    }
    rendered
}

fn request(
    world: &ScenarioData,
    plan: &Plan,
    shopper: &mut Shopper,
    id: StepId,
    mut headers: HeaderMap,
) -> Option<Rendered> {
    let step = &world.scenario().steps[usize::from(id.0)];
    let PreparedKind::Http(prepared) = &plan.step(id).kind;
    prepared.add_headers(world, shopper, &mut headers).ok()?;
    let located = prepared
        .locate(world, shopper, plan.target(), &mut headers)
        .ok()?;
    // Shown only where it is not what the URL says.
    if headers.get(HOST) == Some(&located.origin.authority) {
        headers.remove(HOST);
    }
    let Located { origin, path, .. } = located;
    let body = prepared.body(world, shopper);
    let url = match origin == *plan.target() {
        true => path.to_string(),
        false => format!("{}{path}", origin.authority.to_str().unwrap_or_default()),
    };
    let request_line = format!("{} {url}", prepared.method);
    let mut redactor = super::examples::redactor_of(world, shopper);
    redactor.learn_from([&Message {
        first_line: &request_line,
        headers: &headers,
        body: &body,
    }]);
    let show = |name: &http::HeaderName, value: &http::HeaderValue| {
        redactor.show_header(name.as_str(), &String::from_utf8_lossy(value.as_bytes()))
    };
    Some(Rendered {
        shopper: shopper.index(),
        step: world.scenario().figures[usize::from(step.figure.0)]
            .name
            .clone(),
        method: prepared.method.to_string(),
        url: redactor.show_line(&url),
        headers: headers
            .iter()
            .map(|(name, value)| (name.to_string(), show(name, value)))
            .collect(),
        body: (!body.is_empty()).then(|| redactor.show(&String::from_utf8_lossy(&body))),
    })
}

/// Puts `{name}` in the place of every value that the answer would bring.
fn pretend(world: &ScenarioData, shopper: &mut Shopper, id: StepId) {
    for extract in &world.scenario().steps[usize::from(id.0)].extract {
        let value = placeholder(world.scenario(), extract.slot);
        shopper.set_variable(extract.slot, value);
    }
}
