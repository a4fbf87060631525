//! What of a shopper may be shown in examples and promises, secrets removed.

use std::time::Duration;

use serde_json::{Map, Value as Json};

use crate::audit::promises::kept_key;
use crate::data::Person;
use crate::redact::{Redactor, Shown, mark};
use crate::response::{Response, Why};
use crate::scenario::Promise;
use crate::shopper::{ScenarioData, Shopper};
use crate::template::{CardField, PersonField, Slot, Value, same_number};

/// Knows the scenario's secrets, and this shopper's.
pub(super) fn redactor_of(world: &ScenarioData, shopper: &Shopper) -> Redactor {
    let scenario = world.scenario();
    let mut redactor = scenario.secrets.redactor.clone();
    for slot in (0..).map(Slot).take(scenario.variables.len()) {
        if scenario.secrets.is_variable(slot) {
            redactor.learn(shopper.variable(slot).as_scalar().to_text());
        }
    }
    let derived = shopper.derived().iter();
    derived.for_each(|text| redactor.learn(&**text));
    for (feeder, rows) in (0..).zip(&scenario.feeders) {
        for (column, name) in (0..).zip(&rows.columns) {
            if redactor.is_secret(name)
                && let Some(value) = world.feeder_value(feeder, column, shopper.index())
            {
                redactor.learn(value.to_text());
            }
        }
    }
    let person = Person::new(
        world.seed(),
        world.run_key(),
        shopper.index(),
        shopper.country(world),
    );
    redactor.learn(person.field(PersonField::Password));
    redactor.learn(shopper.card(world).field(CardField::Number).to_text());
    redactor
}

/// What was expected and what came. Of a secret only whether it is the same can be seen.
pub(super) fn why(why: &Why, redactor: &Redactor) -> Shown {
    let is_secret = why
        .field
        .as_ref()
        .is_some_and(|field| redactor.is_secret(field));
    let shown = |text: &str| match is_secret && text.starts_with('"') {
        true => mark(text),
        false => text.to_owned(),
    };
    let sentence = format!("expected {}, got {}", shown(&why.expected), shown(&why.got));
    redactor.show_line(&sentence)
}

/// The line of `orders.jsonl` for a promise.
pub(super) fn promise_line(
    promise: &Promise,
    world: &ScenarioData,
    shopper: &mut Shopper,
    response: &Response,
    done: Duration,
    trace_id: u64,
) -> String {
    let mut line = Map::new();
    line.insert("kind".to_owned(), promise.kind.clone().into());
    line.insert(
        "at_us".to_owned(),
        u64::try_from(done.as_micros()).unwrap_or(u64::MAX).into(),
    );
    line.insert("shopper".to_owned(), shopper.index().into());
    if trace_id != 0 {
        line.insert("trace_id".to_owned(), trace_id.to_string().into());
    }
    let redactor = &world.scenario().secrets.redactor;
    for (name, field) in &promise.fields {
        let value = json_of(field.value(world, shopper, response));
        line.insert(name.clone(), promised(redactor, &promise.kind, name, value));
    }
    Json::Object(line).to_string()
}

/// A field as it is kept. Of an order's idempotency key, the audit needs the digest by which the shop knows it.
fn promised(redactor: &Redactor, kind: &str, name: &str, value: Json) -> Json {
    let secret = redactor.is_secret(name);
    match value {
        Json::String(key) if kind == "order" && name == "key" => kept_key(&key).into(),
        Json::String(text) if secret => mark(&text).into(),
        Json::Number(number) if secret => mark(&number.to_string()).into(),
        Json::String(text) => redactor.show_line(&text).to_string().into(),
        other => other,
    }
}

fn json_of(value: Value) -> Json {
    match value {
        Value::Unset => Json::Null,
        Value::Text(text) => Json::String(text.into()),
        Value::Int(number) => number.into(),
        // Past what a JSON reader keeps of a whole number, its digits are worth more than its type.
        Value::Number(number) => match number.parse::<serde_json::Number>() {
            Ok(parsed) if same_number(&parsed.to_string(), &number) => Json::Number(parsed),
            _ => Json::String(number.into()),
        },
        Value::Bool(flag) => flag.into(),
        Value::Json(text) => Json::String(text.into()),
    }
}
