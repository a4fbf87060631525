use proptest::prelude::*;

use super::*;

fn observation(line: &str) -> Observation {
    match parse(line.as_bytes()) {
        Ok(Line::Metric(mut all)) => all.remove(0),
        other => panic!("{line}: {other:?}"),
    }
}

#[test]
fn every_type_is_read() {
    let values = [
        ("a:1|c", Observed::Count(1.0)),
        ("a:1:2:3|c|@0.5", Observed::Count(12.0)),
        ("a:-1.5e3|g", Observed::Gauge(-1_500.0)),
        ("a:1:2|g", Observed::Gauge(2.0)),
        (
            "a:1:2|d|@0.25",
            Observed::Distribution(vec![(1.0, 4), (2.0, 4)]),
        ),
        ("a:1|h", Observed::Histogram(vec![(1.0, 1)])),
        ("a:1|ms", Observed::Histogram(vec![(1.0, 1)])),
    ];
    for (line, value) in values {
        assert_eq!(observation(line).value, value, "{line}");
    }
    let [one, same, other] = ["a:x:1|s", "a:x:1|s|#t", "a:y|s"].map(|line| observation(line).value);
    assert!(one == same && one != other);
}

#[test]
fn fields_are_read_in_any_order() {
    let seen = observation("page.views:1|c|#b:2,a|T1656581400|c:83c0a99c|e:it-false|@1|card:low");
    assert_eq!(seen.metric, "page.views");
    assert_eq!(seen.tags.as_str(), "a,b:2");
    assert_eq!(seen.at_s, Some(1_656_581_400));
}

#[test]
fn what_is_no_line_is_told_apart() {
    let lines = [
        ("a", Malformed::Name),
        (":1|c", Malformed::Name),
        ("a\u{1}:1|c", Malformed::Name),
        ("a:|c", Malformed::Value),
        ("a:1:|d", Malformed::Value),
        ("a:nan|g", Malformed::Value),
        ("a:inf|g", Malformed::Value),
        ("a:1", Malformed::Type),
        ("a:1|x", Malformed::Type),
        ("a:|s", Malformed::Value),
        ("a:1|c|@0", Malformed::Rate),
        ("a:1|c|@2", Malformed::Rate),
        ("a:1|c|@x", Malformed::Rate),
        ("a:1|d|T1", Malformed::Timestamp),
        ("a:1|c|Tx", Malformed::Timestamp),
        ("a:1|c|what", Malformed::Field),
        ("a:1|c|", Malformed::Field),
        ("_sc|a|4", Malformed::Status),
        ("_sc|a|0|x", Malformed::Field),
        ("_e{1}:a|b", Malformed::Length),
        ("_e{1,9}:a|b", Malformed::Length),
        ("_e{99999999999999999999,1}:a|b", Malformed::Length),
        ("_e{1,1}:ä|b", Malformed::Length),
    ];
    for (line, why) in lines {
        assert_eq!(parse(line.as_bytes()), Err(why), "{line}");
    }
    assert_eq!(parse(b"a\xff:1|c"), Err(Malformed::Text));
}

#[test]
fn checks_and_events_are_read() {
    let check = ServiceCheck {
        at_s: Some(5),
        name: "db.up".to_owned(),
        status: 2,
        tags: Tags::of(["env:x"]),
        message: "gone | away".to_owned(),
    };
    let line = "_sc|db.up|2|d:5|h:host|#env:x|m:gone | away";
    assert_eq!(parse(line.as_bytes()), Ok(Line::Check(check)));
    let event = Event {
        at_s: Some(7),
        title: "up|now".to_owned(),
        text: "a\nb".to_owned(),
        tags: Tags::of(["k:v"]),
    };
    let line = "_e{6,4}:up|now|a\\nb|d:7|p:low|t:info|#k:v";
    assert_eq!(parse(line.as_bytes()), Ok(Line::Event(event)));
}

proptest! {
    /// Whatever bytes come: no panic, and what is read is bounded.
    #[test]
    fn no_bytes_do_harm(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = parse(&bytes);
    }

    /// The same with bytes that look like the protocol.
    #[test]
    fn no_likely_line_does_harm(line in "(_e\\{[0-9]{1,3},[0-9]{1,3}\\}:|_sc\\||[a-z]{0,3}:)[-+0-9a-z:|@#,.TäÖ]{0,80}") {
        if let Ok(Line::Metric(all)) = parse(line.as_bytes()) {
            for one in all {
                prop_assert!(one.metric.len() <= NAME_BYTES_MAX);
                let finite = match one.value {
                    Observed::Count(value) | Observed::Gauge(value) => value.is_finite(),
                    Observed::Distribution(values) | Observed::Histogram(values) => {
                        values.iter().all(|(value, times)| value.is_finite() && *times > 0)
                    }
                    Observed::Set(_) => true,
                };
                prop_assert!(finite, "{line}");
            }
        }
    }

    /// What a client packs comes out again.
    #[test]
    fn packed_values_come_out(values in proptest::collection::vec(-1e9..1e9_f64, 1..50)) {
        let packed: Vec<String> = values.iter().map(f64::to_string).collect();
        let seen = observation(&format!("m:{}|d|#a:b", packed.join(":")));
        let expected = values.into_iter().map(|value| (value, 1)).collect();
        prop_assert_eq!(seen.value, Observed::Distribution(expected));
    }
}
