//! Tests, extraction and the judgement of a step, through a scenario as small as possible.

use http::HeaderValue;

use super::*;
use crate::scenario::{Check, Comparison, Literal};
use crate::shopper::fixture::{self, step};
use crate::template::{Expr, Generator, Slot, Template};

fn response(status: u16, body: &str) -> Response {
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static("application/json"));
    headers.append(SET_COOKIE, HeaderValue::from_static("theme=dark"));
    headers.append(
        SET_COOKIE,
        HeaderValue::from_static("sid=\"s1\"; Path=/; HttpOnly"),
    );
    Response::new(
        status,
        headers,
        Bytes::copy_from_slice(body.as_bytes()),
        Duration::from_millis(20),
    )
}

fn json(pointer: &str, comparison: Comparison) -> Test {
    Test::Json {
        pointer: pointer.into(),
        comparison,
    }
}

fn text(text: &str) -> Comparison {
    Comparison::Is(Literal::Text(text.into()))
}

fn extract(slot: u16, from: From, optional: bool) -> Extract {
    Extract {
        slot: Slot(slot),
        from,
        optional,
    }
}

/// Concludes the step and says how, and what the variables are then.
fn concluded(step: &Step, mut response: Response) -> (String, [Value; 4], Response) {
    let (world, mut shopper) = fixture::world(fixture::scenario(1));
    shopper.set_variable(Slot(3), Value::Int(1));
    let ending = match step.conclude(StepId(0), &world, &mut shopper, &mut response) {
        Ending::Passed => "passed".to_owned(),
        Ending::Outcome(outcome) => format!("outcome {}", outcome.name),
        Ending::Failed(name) => format!("failed {name}"),
        Ending::WrongStatus => "failed status".to_owned(),
    };
    let variables = [0, 1, 2, 3].map(|slot| shopper.variable(Slot(slot)).clone());
    (ending, variables, response)
}

fn contains(text: &str) -> Test {
    Test::Contains(Literal::Text(text.into()))
}

#[test]
fn every_test_can_pass_and_fail() {
    let answer = response(201, r#"{"status":"pending"}"#);
    let header = |comparison| Test::Header {
        name: "content-type".into(),
        comparison,
    };
    let pass = [
        Test::Status(vec![(200, 299), (404, 404)]),
        json("/status", text("pending")),
        header(Comparison::Contains(Literal::Text("json".into()))),
        contains("pend"),
        Test::BytesMax(20),
        Test::Within(Duration::from_millis(20)),
    ];
    let fail = [
        Test::Status(vec![(200, 200)]),
        json("/state", Comparison::Exists),
        header(Comparison::Missing),
        contains("paid"),
        Test::BytesMax(19),
        Test::Within(Duration::from_millis(19)),
    ];
    let (world, mut shopper) = fixture::world(fixture::scenario(1));
    assert!(
        pass.iter()
            .all(|test| test.passes(&world, &mut shopper, &answer))
    );
    assert!(
        !fail
            .iter()
            .any(|test| test.passes(&world, &mut shopper, &answer))
    );
    let mut binary = response(200, "");
    binary.body = Bytes::from_static(b"\xff\xfeneedle");
    assert!(
        contains("needle").passes(&world, &mut shopper, &binary)
            && !contains("pin").passes(&world, &mut shopper, &binary)
    );
}

#[test]
fn values_are_remembered_from_everywhere() {
    let regex = regex::bytes::Regex::new(r"id=(\d+)").expect("valid");
    let step = Step {
        extract: vec![
            extract(0, From::Json("/list/0".into()), false),
            extract(1, From::Cookie("sid".into()), false),
            extract(2, From::Regex(regex), false),
            extract(3, From::Header("location".into()), true),
        ],
        ..step()
    };
    let (ending, variables, _) =
        concluded(&step, response(200, r#"{"list":[2.5],"url":"?id=77"}"#));
    assert_eq!(ending, "passed");
    let text = |text: &str| Value::Text(text.into());
    assert_eq!(
        variables,
        [
            Value::Number("2.5".into()),
            text("s1"),
            text("77"),
            Value::Unset
        ]
    );
}

#[test]
fn what_is_taken_out_of_a_page_is_what_its_reader_sees() {
    let regex = regex::bytes::Regex::new(r#"value="([^"]+)""#).expect("valid");
    let extract = extract(2, From::Regex(regex), false);
    let taken = |kind: &'static str| {
        let body = r#"<input name="csrf" value="a&#43;b&#x3D;&amp;c &eacute;&unknown; & d">"#;
        let mut response = response(200, body);
        let kind = HeaderValue::from_static(kind);
        response.headers.insert("content-type", kind);
        let (_, mut shopper) = fixture::world(fixture::scenario(1));
        extract.take(&mut shopper, &response)
    };
    let text = |text: &str| Some(Value::Text(text.into()));
    for markup in [
        "text/html; charset=utf-8",
        "application/xhtml+xml",
        "Text/XML",
    ] {
        assert_eq!(taken(markup), text("a+b=&c \u{e9}&unknown; & d"));
    }
    let raw = "a&#43;b&#x3D;&amp;c &eacute;&unknown; & d";
    for other in ["application/json", "text/plain; note=html"] {
        assert_eq!(taken(other), text(raw));
    }
}

#[test]
fn a_missing_value_is_an_error_of_its_own() {
    let step = Step {
        extract: vec![extract(2, From::Json("/id".into()), false)],
        ..step()
    };
    assert_eq!(
        concluded(&step, response(200, r#"{"id":null}"#)).0,
        "failed extract:c"
    );
    assert_eq!(
        concluded(&step, response(200, "<html>")).0,
        "failed extract:c"
    );
}

#[test]
fn the_first_failed_check_names_the_error() {
    let check = |name: &str, test| Check {
        name: name.into(),
        test,
    };
    let checks = vec![
        check("json /a", json("/a", Comparison::Exists)),
        check("small", Test::BytesMax(1)),
    ];
    let mut step = Step { checks, ..step() };
    assert_eq!(concluded(&step, response(500, "{}")).0, "failed status");
    assert_eq!(concluded(&step, response(399, "{}")).0, "failed json /a");
    assert_eq!(
        concluded(&step, response(200, r#"{"a":1}"#)).0,
        "failed small"
    );
    step.checks = vec![check("is gone", Test::Status(vec![(410, 410)]))];
    assert_eq!(concluded(&step, response(410, "")).0, "passed");
    assert_eq!(concluded(&step, response(200, "")).0, "failed is gone");
}

#[test]
fn foreseen_answers_are_not_errors() {
    let tests = vec![
        Test::Status(vec![(409, 409)]),
        json("/error/code", text("out_of_stock")),
    ];
    let step = Step {
        outcomes: vec![Outcome {
            name: "out_of_stock".into(),
            tests,
            leave: true,
        }],
        extract: vec![
            extract(0, From::Json("/id".into()), false),
            extract(1, From::Cookie("sid".into()), false),
        ],
        ..step()
    };
    let (ending, variables, answer) =
        concluded(&step, response(409, r#"{"error":{"code":"out_of_stock"}}"#));
    assert_eq!(
        (ending.as_str(), answer.outcome),
        ("outcome out_of_stock", Some((StepId(0), 0)))
    );
    assert_eq!(
        (&variables[0], &variables[1]),
        (&Value::Unset, &Value::Text("s1".into()))
    );
    let (ending, _, answer) = concluded(&step, response(409, r#"{"error":{"code":"other"}}"#));
    assert_eq!((ending.as_str(), answer.outcome), ("failed status", None));
}

#[test]
fn promises_take_values_from_both_sides() {
    let (world, mut shopper) = fixture::world(fixture::scenario(1));
    let answer = response(201, r#"{"total":9.5}"#);
    let mut value = |field: PromiseField| field.value(&world, &mut shopper, &answer);
    assert_eq!(
        value(PromiseField::Json("/total".into())),
        Value::Number("9.5".into())
    );
    let shopper_number = Part::Value(
        Expr::Generated(Generator::Shopper),
        crate::template::Encoding::Raw,
    );
    assert_eq!(
        value(PromiseField::Value(Template {
            parts: vec![shopper_number]
        })),
        Value::Int(0)
    );
    assert_eq!(
        value(PromiseField::Value(Template::text("x"))),
        Value::Text("x".into())
    );
}
