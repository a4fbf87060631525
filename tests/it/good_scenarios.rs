//! Files that are right: the built-in ones, the blocks of the documentation, and what a scenario compiles to.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use loadgen::journey::Op;
use loadgen::scenario::{
    BUILT_IN, Changes, Connections, Curve, HttpRequest, Load, Measure, OneStep, OneStepLoad, Over,
    Piece, Scenario, ScenarioRef, StepKind, Subject, Threshold, load,
};
use loadgen::template::{Encoding, Expr, Generator, Part, Template};

/// The request of a step.
fn request(scenario: &Scenario, step: usize) -> &HttpRequest {
    let StepKind::Http(request) = &scenario.steps[step].kind;
    request
}

fn read(text: &str) -> Scenario {
    read_changed(text, &Changes::default())
}

fn read_changed(text: &str, changes: &Changes) -> Scenario {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("scenario.yaml");
    fs::write(&path, text).expect("a file");
    load(&ScenarioRef::Path(path), changes).unwrap_or_else(|problems| panic!("{problems}"))
}

fn journey(steps: &str) -> Scenario {
    read(&format!(
        "name: test\nload: {{ model: closed, shoppers: 1, journeys: 1 }}\njourneys:\n  - name: walk\n    steps:\n{steps}"
    ))
}

/// The text of a request's body.
fn text_of(request: &HttpRequest) -> &Template {
    match request.body.as_ref().map(|body| body.pieces.as_slice()) {
        Some([Piece::Text(template)]) => template,
        other => panic!("{other:?}"),
    }
}

/// The operations of the only journey, one word each.
fn ops(scenario: &Scenario) -> Vec<String> {
    let word = |op: &Op| match op {
        Op::Send(id) => format!("send {}", id.0),
        Op::Together(ids) => format!("together {}", ids.len()),
        Op::Think(_) => "think".to_owned(),
        Op::Set(slot, _) => format!("set {}", scenario.variables[usize::from(slot.0)]),
        Op::Unless(_, to) => format!("unless {to}"),
        Op::Jump(to) => format!("jump {to}"),
        Op::Choose(ways) => format!("choose {:?}", ways),
        Op::Repeat(counter, from, to) => format!("repeat {counter} {from}..{to}"),
        Op::Next(counter, to) => format!("next {counter} {to}"),
        Op::Each { counter, .. } => format!("each {counter}"),
        Op::Item { counter, .. } => format!("item {counter}"),
        Op::Leave(share) => format!("leave {share}"),
    };
    scenario.journeys[0].program.ops.iter().map(word).collect()
}

#[test]
fn all_built_in_scenarios_are_right() {
    for (name, _) in BUILT_IN {
        let scenario = load(&ScenarioRef::BuiltIn(name), &Changes::default());
        let scenario = scenario.unwrap_or_else(|problems| panic!("{problems}"));
        assert_eq!(scenario.name, name);
        assert!(
            !scenario.about.is_empty() && !scenario.thresholds.is_empty(),
            "{name}"
        );
        assert_eq!(scenario.source.hash.len(), 64);
    }
}

#[test]
fn every_scenario_in_the_documentation_is_right() {
    let text = fs::read_to_string("docs/scenarios.md").expect("the documentation");
    let blocks: Vec<&str> = text
        .split("```yaml\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .collect();
    assert!(blocks.len() >= 8, "only {} blocks", blocks.len());
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(
        folder.path().join("users.csv"),
        "email,password\nann@example.com,secret123\n",
    )
    .expect("a feeder");
    fs::write(folder.path().join("monday.csv"), "time,rate\n0,5\n60,20\n").expect("a curve");
    for (from, to) in [
        ("ca.pem", "authority.pem"),
        ("client.pem", "me.pem"),
        ("client.key", "me.key"),
    ] {
        let from = Path::new("tests/tls").join(from);
        fs::copy(from, folder.path().join(to)).expect("a certificate or its key");
    }
    for (index, block) in blocks.iter().enumerate() {
        let path = folder.path().join(format!("block-{index}.yaml"));
        // A variable that every environment has.
        let block = whole(block).replace("${env.PASSWORD}", "${env.PATH}");
        fs::write(&path, block).expect("a block");
        load(&ScenarioRef::Path(path), &Changes::default())
            .unwrap_or_else(|problems| panic!("{problems}"));
    }
}

#[test]
fn the_scenario_in_the_readme_is_right() {
    let text = fs::read_to_string("README.md").expect("the documentation");
    let block = text
        .split("```yaml\n")
        .filter_map(|rest| rest.split("```").next())
        .find(|block| block.starts_with("name:"));
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("mine.yaml");
    fs::write(&path, block.expect("a scenario")).expect("a file");
    load(&ScenarioRef::Path(path), &Changes::default())
        .unwrap_or_else(|problems| panic!("{problems}"));
}

/// The documentation shows parts; what they leave out is added.
fn whole(block: &str) -> String {
    let has = |key: &str| block.lines().any(|line| line.starts_with(key));
    let mut text = block.to_owned();
    if !has("name:") {
        text.push_str("\nname: example\n");
    }
    if !has("load:") {
        text.push_str(
            "\nload: { model: open, phases: [{ name: baseline, for: 1m, rate: 1/s }] }\n",
        );
    }
    if !has("journeys:") {
        text.push_str("\njourneys: [{ name: look, steps: [{ get: /api/products, tags: [shelf], count: looks }] }]\n");
    }
    text
}

#[test]
fn loops_branches_and_choices_become_jumps() {
    let scenario = journey(
        "      - repeat: 1..3
        steps:
          - get: /a
      - when: status is 200
        then:
          - get: /b
        else:
          - get: /c
      - choose:
          - { weight: 2, steps: [{ get: /d }] }
          - { weight: 1, steps: [{ get: /e }] }
      - while: status is 500
        at-most: 4
        steps: [{ get: /f }]
      - until: status is 200
        at-most: 5
        steps: [{ get: /g }]
",
    );
    assert_eq!(
        ops(&scenario),
        [
            "repeat 0 1..3",
            "next 0 4",
            "send 0",
            "jump 1",
            "unless 7",
            "send 1",
            "jump 8",
            "send 2",
            "choose [(2.0, 9), (1.0, 11)]",
            "send 3",
            "jump 13",
            "send 4",
            "jump 13",
            "repeat 0 4..4",
            "next 0 18",
            "unless 18",
            "send 5",
            "jump 14",
            "repeat 0 5..5",
            "next 0 22",
            "send 6",
            "unless 19",
        ]
    );
    assert_eq!(scenario.journeys[0].program.counters, 1);
}

#[test]
fn values_are_encoded_for_where_they_stand() {
    let scenario = journey(
        "      - set: { next: \"${word}\" }
      - post: /a/${next}?q=x
        headers: { X-Thing: \"v ${next}\" }
        json: { n: \"${int(1, 3)}\", text: \"a\\\"${next}\", list: [1, null, true] }
      - get: ${next}
",
    );
    let first = request(&scenario, 0);
    assert!(matches!(
        first.url.parts[1],
        Part::Value(Expr::Variable(_), Encoding::Uri)
    ));
    assert_eq!(first.headers[0].0, "x-thing");
    let body = &text_of(first).parts;
    assert!(matches!(&body[0], Part::Text(text) if &**text == "{\"n\":"));
    assert!(matches!(
        body[1],
        Part::Value(Expr::Generated(Generator::Int(1, 3)), Encoding::JsonValue)
    ));
    assert!(matches!(&body[2], Part::Text(text) if &**text == ",\"text\":\"a\\\""));
    assert!(matches!(
        body[3],
        Part::Value(Expr::Variable(_), Encoding::JsonText)
    ));
    assert!(matches!(&body[4], Part::Text(text) if &**text == "\",\"list\":[1,null,true]}"));
    // A whole URL from an earlier answer must not be encoded again.
    assert!(matches!(
        request(&scenario, 1).url.parts[0],
        Part::Value(_, Encoding::Raw)
    ));
}

#[test]
fn names_and_services_come_from_the_route() {
    let scenario = journey(
        "      - get: /api/products/${shopper}?x=1\n      - get: /api/cart/${session}\n      - get: /health\n",
    );
    let figures: Vec<(&str, &str)> = scenario
        .figures
        .iter()
        .map(|figure| (figure.name.as_str(), figure.service.as_str()))
        .collect();
    assert_eq!(
        figures,
        [
            ("GET /api/products/{shopper}", "orders"),
            ("GET /api/cart/{session}", "cart"),
            ("GET /health", "")
        ]
    );
}

#[test]
fn dollars_can_be_written_literally() {
    let scenario = journey(
        "      - post: /a\n        body: 'costs $${5} and $3'\n        content-type: text/plain\n",
    );
    let parts = &text_of(request(&scenario, 0)).parts;
    assert!(matches!(&parts[..], [Part::Text(text)] if &**text == "costs ${5} and $3"));
}

const STORM: &str = "name: storm
load:
  model: open
  phases:
    - { name: calm, for: 20s, rate: 6/s }
    - { name: burst, for: 40s, spike: { base: 6/s, peak: 60/s, at: 10s, width: 20s } }
variables: { colour: red }
journeys:
  - name: walk
    steps: [{ get: '/api/products/${colour}', count: looks, tags: [shelf] }]
";

#[test]
fn the_whole_load_can_be_scaled() {
    let changes = Changes {
        rate: Some(120.0),
        duration: Some(Duration::from_secs(6)),
        ..Changes::default()
    };
    let Load::Open { phases, .. } = read_changed(STORM, &changes).load else {
        panic!("an open load")
    };
    assert_eq!(phases[0].curve, Curve::Constant(12.0));
    assert_eq!(
        phases[0].duration + phases[1].duration,
        Duration::from_secs(6)
    );
    let expected = Curve::Spike {
        base: 12.0,
        peak: 120.0,
        at: Duration::from_secs(1),
        width: Duration::from_secs(2),
    };
    assert_eq!(phases[1].curve, expected);
}

#[test]
fn single_values_can_be_set_by_path_name_and_variable() {
    let set = [
        ("load.phases.0.rate", "600/min"),
        ("load.phases.burst.spike.peak", "80/s"),
        ("http.timeout", "3s"),
        ("colour", "blue"),
    ];
    // `http` is not in the file yet, so its value is given as a whole.
    let mut overrides: BTreeMap<String, String> = set
        .iter()
        .filter(|(key, _)| *key != "http.timeout")
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect();
    overrides.insert(
        "http".to_owned(),
        "{ timeout: 3s, connections: { shared: 7 } }".to_owned(),
    );
    let scenario = read_changed(STORM, &Changes::from(overrides));
    let Load::Open { phases, .. } = &scenario.load else {
        panic!("an open load")
    };
    assert_eq!(phases[0].curve.peak(), 10.0);
    assert_eq!(phases[1].curve.peak(), 80.0);
    assert_eq!(scenario.http.timeout, Duration::from_secs(3));
    assert_eq!(scenario.http.connections, Connections::Shared { max: 7 });
    let blue = scenario.personas[0]
        .defaults
        .iter()
        .any(|(_, expr)| format!("{expr:?}").contains("blue"));
    assert!(blue);
}

#[test]
fn thresholds_are_read_from_flags() {
    let scenario = read(STORM);
    let threshold = |text: &str| {
        Threshold::parse(text, &scenario).unwrap_or_else(|problems| panic!("{problems}"))
    };
    let p99 = threshold("p99.9 service time of GET /api/products/{colour} < 1.5s in burst");
    assert_eq!(
        (p99.measure, p99.subject),
        (
            Measure::Service(0.999),
            Subject::Step(loadgen::scenario::StepNameId(0))
        )
    );
    assert_eq!((p99.limit, p99.over), (1.5, Over::Phase(1)));
    let share = threshold("error share of tag shelf <= 2% in every 10s");
    assert_eq!(
        (share.limit, share.over),
        (0.02, Over::Every(Duration::from_secs(10)))
    );
    assert_eq!(share.subject, Subject::Tag("shelf".to_owned()));
    let burn = threshold("burn of 99.9% of service orders < 14.4");
    assert_eq!(
        (burn.measure, burn.subject),
        (
            Measure::Burn { target: 0.999 },
            Subject::Service("orders".to_owned())
        )
    );
    assert_eq!(
        threshold("looks per minute > 10 in calm").over,
        Over::Phase(0)
    );
    let problems = Threshold::parse("p99 of nothing < 1s", &scenario).expect_err("an unknown step");
    assert!(
        problems.to_string().contains("there is no step `nothing`"),
        "{problems}"
    );
}

#[test]
fn one_step_takes_its_place_among_scenarios() {
    let step = OneStep {
        url: "http://127.0.0.1:8080/things?x=${int(1, 9)}".to_owned(),
        method: "POST".to_owned(),
        headers: vec![("X-Key".to_owned(), "a\"b".to_owned())],
        body: Some("{\"a\": 1}".to_owned()),
        load: OneStepLoad::Open {
            rate: 500.0,
            duration: Duration::from_millis(1500),
            even: true,
        },
        timeout: Some(Duration::from_secs(2)),
        traced: true,
    };
    let scenario = Scenario::one_step(&step, &[]).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(scenario.target.as_deref(), Some("http://127.0.0.1:8080"));
    assert_eq!(scenario.figures[0].name, "POST /things");
    assert_eq!(
        request(&scenario, 0)
            .body
            .as_ref()
            .map(|body| body.content_type.as_str()),
        Some("application/json")
    );
    assert_eq!(scenario.source.origin, "command line");
    let bad = OneStep {
        url: "ftp://x/".to_owned(),
        method: "FETCH".to_owned(),
        ..step
    };
    assert!(Scenario::one_step(&bad, &[]).is_err());
}
