//! `list`, `show`, `schema` and `preview` through the binary.

use std::process::Command;

use serde_json::Value;

fn loadgen(arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_loadgen"));
    let output = command.args(arguments).output().expect("loadgen runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8 output");
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

fn data(arguments: &[&str]) -> Value {
    let (code, out, err) = loadgen(arguments);
    assert_eq!((code, err.as_str()), (Some(0), ""), "{arguments:?}");
    serde_json::from_str(&out).expect("JSON")
}

#[test]
fn list_names_every_built_in_scenario() {
    let (code, out, _) = loadgen(&["list"]);
    assert_eq!(code, Some(0));
    for (name, _) in loadgen::scenario::BUILT_IN {
        assert!(
            out.lines().any(|line| line.starts_with(name)),
            "{name} in\n{out}"
        );
    }
    let storm = data(&["list", "--format", "json"]);
    let storm = storm
        .as_array()
        .expect("a list")
        .iter()
        .find(|row| row["name"] == "checkout-storm");
    assert_eq!(storm.map(|row| &row["duration_s"]), Some(&60.0.into()));
}

#[test]
fn show_gives_the_text_or_what_it_amounts_to() {
    let (code, out, _) = loadgen(&["show", "checkout-storm"]);
    assert_eq!(code, Some(0));
    assert!(out.starts_with("# Checkout storm"), "{out}");
    let summary = data(&[
        "show",
        "checkout-storm",
        "--format",
        "json",
        "--set",
        "load.phases.spike.rate=200/s",
    ]);
    assert_eq!(summary["load"]["phases"][1]["peak_rate_per_s"], 200.0);
    assert_eq!(summary["journeys"][0]["funnel"][0], "GET /api/products");
}

#[test]
fn an_unknown_name_is_a_mistake_with_a_remedy() {
    let (code, _, err) = loadgen(&["show", "checkout-strom"]);
    assert_eq!(code, Some(2));
    assert!(
        err.contains("there is no scenario `checkout-strom`"),
        "{err}"
    );
    assert!(err.contains("did you mean `checkout-storm`?"), "{err}");
}

#[test]
fn flags_that_cannot_be_applied_say_why() {
    let (code, _, err) = loadgen(&["preview", "smoke", "--rate", "5/s"]);
    assert_eq!(code, Some(2));
    assert!(err.contains("a closed load has no rate"), "{err}");
    let (code, _, err) = loadgen(&["check", "smoke", "--set", "laod.phases.0.rate=5/s"]);
    assert_eq!(code, Some(2));
    assert!(err.contains("did you mean `load`?"), "{err}");
}

#[test]
fn the_schema_describes_what_check_accepts() {
    let schema = data(&["schema"]);
    assert_eq!(schema["additionalProperties"], false);
    assert_eq!(
        schema["required"],
        serde_json::json!(["name", "load", "journeys"])
    );
    let rate = &schema["$defs"]["RateText"];
    assert!(
        rate["description"]
            .as_str()
            .is_some_and(|text| text.contains("600/min")),
        "{rate}"
    );
}

#[test]
fn preview_plans_the_whole_load() {
    let preview = data(&[
        "preview",
        "checkout-storm",
        "--arrivals",
        "5",
        "--format",
        "json",
    ]);
    // 7/s and 70/s and 7/s for 20 s each.
    assert_eq!(preview["journeys"], 1680);
    let arrivals = preview["arrivals"].as_array().expect("arrivals");
    assert_eq!(arrivals.len(), 5);
    let again = data(&[
        "preview",
        "checkout-storm",
        "--arrivals",
        "5",
        "--format",
        "json",
    ]);
    // Only the hashes of secrets differ from process to process.
    let without_hashes = |preview: &Value| loadgen::redact::without_hashes(&preview.to_string());
    assert_eq!(without_hashes(&preview), without_hashes(&again));
    let (code, out, _) = loadgen(&["preview", "checkout-storm", "--duration", "6s"]);
    assert_eq!(code, Some(0));
    assert!(
        out.contains("168 journeys in all") && out.contains("first arrivals"),
        "{out}"
    );
}
