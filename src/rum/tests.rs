//! What a browser sends of a walk: its exact events, and what holds for the events of every walk.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use serde_json::Value;

use super::batch::{BYTES_MAX, EVENTS_MAX, Payload};
use super::fixture::{AGENT, Move, record, sent, walk};
use super::record::What;
use super::session::Outbox;

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn a_move(step: usize, think: u64, takes: u64, status: u16) -> Move {
    Move {
        step,
        think: millis(think),
        takes: millis(takes),
        status,
    }
}

fn events(out: &Outbox) -> Vec<Value> {
    let bodies = out.payloads.iter().map(|payload| &payload.body);
    let text = |body: &Vec<u8>| String::from_utf8(body.clone()).expect("text");
    let lines = bodies.flat_map(|body| {
        let text = text(body);
        text.lines().map(str::to_owned).collect::<Vec<_>>()
    });
    lines
        .map(|line| serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: {line}")))
        .collect()
}

fn text<'v>(event: &'v Value, pointer: &str) -> &'v str {
    event.pointer(pointer).and_then(Value::as_str).unwrap_or("")
}

fn number(event: &Value, pointer: &str) -> u64 {
    event.pointer(pointer).and_then(Value::as_u64).unwrap_or(0)
}

#[test]
fn one_session() {
    let out = sent(
        &walk(&[
            a_move(0, 0, 80, 200),
            a_move(1, 5_000, 120, 200),
            a_move(2, 900, 6_000, 503),
        ]),
        None,
    );
    let lines: Vec<String> = events(&out).iter().map(Value::to_string).collect();
    insta::assert_snapshot!(lines.join("\n"));
    assert_eq!((out.counts.sessions, out.counts.views), (1, 2));
}

#[test]
fn a_session_that_was_too_old_goes_on_as_another_one() {
    let mut records = walk(&[a_move(0, 0, 80, 200), a_move(1, 1_000_000, 120, 200)]);
    let place = records
        .iter()
        .position(|record| matches!(record.what, What::Wakes))
        .expect("a think");
    let next = uuid::Uuid::from_u128(0x5f);
    let at = records[place].at;
    records.insert(place + 1, record(at, What::Renewed(next)));
    let out = sent(&records, Some(millis(700)));
    let events = events(&out);
    let ended: Vec<&Value> = events
        .iter()
        .filter(|event| event.pointer("/session/is_active") == Some(&Value::Bool(false)))
        .collect();
    assert_eq!(ended.len(), 1, "{events:#?}");
    let of_next = |event: &&Value| text(event, "/session/id") == next.to_string();
    let renewed: Vec<&Value> = events.iter().filter(of_next).collect();
    let is_renewal = |event: &&&Value| text(event, "/view/loading_type") == "session_renewal";
    assert!(renewed.iter().any(|event| is_renewal(&event)));
    assert!(renewed.iter().any(|event| event["type"] == "resource"));
    assert_eq!(out.counts.sessions, 2);
}

/// Counters by the view's id.
fn counted(events: &[Value]) -> BTreeMap<String, BTreeMap<&'static str, u64>> {
    let mut counts: BTreeMap<String, BTreeMap<&'static str, u64>> = BTreeMap::new();
    for event in events {
        let of_view = counts
            .entry(text(event, "/view/id").to_owned())
            .or_default();
        for kind in ["action", "error", "resource", "long_task"] {
            *of_view.entry(kind).or_default() += u64::from(event["type"] == kind);
        }
        let kinds = event.pointer("/action/frustration/type");
        let kinds = kinds.and_then(Value::as_array).map_or(0, Vec::len);
        *of_view.entry("frustration").or_default() += kinds as u64;
    }
    counts
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let think = prop_oneof![
        Just(0),
        1_u64..2_000,
        2_000_u64..60_000,
        300_000_u64..400_000
    ];
    let takes = prop_oneof![1_u64..500, 500_u64..9_000];
    let status = prop_oneof![4 => Just(200_u16), 1 => Just(503), 1 => Just(404), 1 => Just(0)];
    let one = (0_usize..3, think, takes, status)
        .prop_map(|(step, think, takes, status)| a_move(step, think, takes, status));
    prop::collection::vec(one, 0..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// The last state of each view says that it is over, and counts exactly the events that were sent of it.
    #[test]
    fn the_last_state_of_a_view_counts_its_events(moves in moves()) {
        let out = sent(&walk(&moves), None);
        let events = events(&out);
        let counted = counted(&events);
        let mut last: BTreeMap<&str, &Value> = BTreeMap::new();
        for event in events.iter().filter(|event| event["type"] == "view") {
            last.insert(text(event, "/view/id"), event);
        }
        prop_assert_eq!(last.len() as u64, out.counts.views);
        prop_assert_eq!(counted.len(), last.len());
        for (id, view) in last {
            prop_assert_eq!(view.pointer("/view/is_active"), Some(&Value::Bool(false)));
            for (kind, count) in &counted[id] {
                prop_assert_eq!(number(view, &format!("/view/{kind}/count")), *count, "{}", kind);
            }
        }
    }

    /// States of a view have rising versions, and while it goes on there are three seconds between two of them.
    #[test]
    fn states_of_a_view_are_throttled_and_rise(moves in moves()) {
        let mut last: BTreeMap<String, (u64, u64)> = BTreeMap::new();
        for event in events(&sent(&walk(&moves), None)).iter().filter(|event| event["type"] == "view") {
            let now = (number(event, "/_dd/document_version"), number(event, "/view/time_spent"));
            let is_active = event.pointer("/view/is_active") == Some(&Value::Bool(true));
            if let Some(before) = last.insert(text(event, "/view/id").to_owned(), now) {
                prop_assert!(before.0 < now.0);
                prop_assert!(!is_active || now.1 >= before.1 + 3_000_000_000, "{:?} {:?}", before, now);
            }
        }
    }

    /// A batch holds at most fifty events and 16 KiB, as far as one event is not longer and no view's newer state a little longer
    /// than the one that it replaces; and lines as many as it says.
    #[test]
    fn batches_keep_to_their_size(moves in moves()) {
        for Payload { body, events, user_agent, .. } in sent(&walk(&moves), None).payloads {
            prop_assert!((1..=EVENTS_MAX).contains(&events));
            prop_assert!(events == 1 || body.len() < BYTES_MAX + 512);
            prop_assert_eq!(body.split(|byte| *byte == b'\n').count() as u32, events);
            prop_assert_eq!(user_agent, AGENT);
        }
    }

    /// What is sent does not depend on when someone looks.
    #[test]
    fn looking_changes_nothing(moves in moves(), every in 50_u64..20_000) {
        let records = walk(&moves);
        prop_assert_eq!(sent(&records, None).payloads, sent(&records, Some(millis(every))).payloads);
    }

    /// Every duration that is part of another one is no longer, and nothing is told before it has happened.
    #[test]
    fn times_fit_into_each_other(moves in moves()) {
        for event in events(&sent(&walk(&moves), None)) {
            let spent = number(&event, "/view/time_spent");
            if event["type"] == "view" {
                for name in ["loading_time", "largest_contentful_paint", "load_event", "first_contentful_paint"] {
                    let time = number(&event, &["/view/", name].concat());
                    prop_assert!(time <= spent, "{} {}", name, time);
                }
            }
            let all = number(&event, "/resource/duration");
            let download = number(&event, "/resource/download/start") + number(&event, "/resource/download/duration");
            prop_assert_eq!(download, all);
        }
    }
}
