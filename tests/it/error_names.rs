//! Every error is called what it is.

use crate::echo::Echo;
use crate::support::{Run, errors};
use crate::targets::Hostile;

fn errors_of(step: &str, target: &str) -> Vec<String> {
    let scenario = format!(
        "name: names
load: {{ model: one-by-one, journeys: 1 }}
journeys: [{{ name: look, steps: [{step}] }}]
"
    );
    let (_, report) = Run::of(&scenario).with(&["--target", target]).finish();
    errors(&report).into_keys().collect()
}

fn answered_with(answer: String) -> Vec<String> {
    let target = Hostile::start(move |victim| victim.answer_always(answer.as_bytes()));
    errors_of("{ get: /page }", &target.url())
}

#[test]
fn a_switch_of_protocols_that_nobody_asked_for() {
    let answer = "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n";
    assert_eq!(answered_with(answer.to_owned()), ["unasked_upgrade"]);
}

#[test]
fn a_head_that_is_too_large_is_http_all_the_same() {
    let many = "x: y\r\n".repeat(10_001);
    let answer = format!("HTTP/1.1 200 OK\r\n{many}content-length: 0\r\n\r\n");
    assert_eq!(answered_with(answer), ["head_too_large"]);
    let long = "y".repeat(300_000);
    let answer = format!("HTTP/1.1 200 OK\r\nx: {long}\r\ncontent-length: 0\r\n\r\n");
    assert_eq!(answered_with(answer), ["head_too_large"]);
}

#[test]
fn heads_that_browsers_take_are_taken() {
    for head in [
        "x: y\r\n".repeat(300),
        format!("x: {}\r\n", "y".repeat(100_000)),
        "x-fold: a\r\n  b\r\n".to_owned(),
        "content-type : application/json\r\n".to_owned(),
        "a line without a colon\r\n".to_owned(),
        "x-name: M\u{fc}ller\r\n".to_owned(),
    ] {
        let answer = format!("HTTP/1.1 200 OK\r\n{head}content-length: 0\r\n\r\n");
        assert_eq!(answered_with(answer), [""; 0], "{head:.40}");
    }
}

#[test]
fn what_breaks_the_rules_of_http_is_not_called_something_else() {
    for broken in [
        "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
        "HTTP/1.1 abc\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
    ] {
        assert_eq!(answered_with(broken.to_owned()), ["malformed_http"]);
    }
    assert_eq!(
        answered_with("220 mail.example ESMTP\r\n\r\n".to_owned()),
        ["not_http"]
    );
}

#[test]
fn a_target_that_ends_a_handshake_has_failed_it() {
    let target = Hostile::start(super::targets::Victim::hear_and_go);
    let url = target.url().replace("http://", "https://");
    assert_eq!(errors_of("{ get: /page }", &url), ["tls_closed"]);
}

#[test]
fn an_authors_check_keeps_its_name() {
    let echo = Echo::start();
    let named = "{ get: /page, check: { name: status, json: { /nothing: exists } } }";
    assert_eq!(errors_of(named, &echo.url()), ["status"]);
    for nameless in [
        "{ get: /page, check: { status: 503 } }",
        "{ get: /page, check: { status: 404, json: { /nothing: exists } } }",
    ] {
        assert_eq!(errors_of(nameless, &echo.url()), ["status_200"]);
    }
}

#[test]
fn a_preflight_that_does_not_allow_a_request_keeps_it_from_being_sent() {
    let allow_all = [
        ("access-control-allow-origin", "*"),
        ("access-control-allow-methods", "*"),
        ("access-control-allow-headers", "*"),
        ("location", "/elsewhere"),
    ];
    let allow_all: &'static [_] = Box::leak(Box::new(allow_all));
    let ways: [(u16, &[(&str, &str)]); 4] = [
        (403, allow_all),
        (302, allow_all),
        (204, &allow_all[1..]),
        (204, &allow_all[..2]),
    ];
    for refusal in ways {
        let echo = Echo::refusing(refusal);
        let scenario = "name: refused
load: { model: one-by-one, journeys: 1 }
browser: { preflight: true }
journeys:
  - name: look
    steps:
      - { get: /page, on-error: go-on }
      - { get: /page, on-error: go-on }
";
        let (_, report) = Run::of(scenario).with(&["--target", &echo.url()]).finish();
        assert_eq!(
            errors(&report),
            [("preflight_refused".to_owned(), 2)].into(),
            "{refusal:?}"
        );
        let seen = echo.seen();
        let methods: Vec<&str> = seen.iter().map(|sent| sent.method.as_str()).collect();
        assert_eq!(methods, ["OPTIONS", "OPTIONS"], "{refusal:?}");
    }
}
