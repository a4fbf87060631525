//! What belongs to one origin stays there: cookies, credentials, the auditor's token.

use std::process::Command;

use crate::echo::{Echo, Recorded};
use crate::support::{Program, Run};
use crate::targets::Hostile;

/// Answers every request with a cookie and a pointer elsewhere.
fn pointing_to(location: String) -> Hostile {
    Hostile::start(move |victim| {
        victim.answer_always(
            format!("HTTP/1.1 307 Temporary Redirect\r\nlocation: {location}\r\nset-cookie: visit=1; Path=/\r\ncontent-length: 0\r\n\r\n")
                .as_bytes(),
        )
    })
}

/// A journey whose request carries credentials and, the second time, a cookie.
const LOOKING: &str = r#"
name: looking
load: { model: one-by-one, journeys: 1 }
browser: { style: off }
journeys:
  - name: look
    steps:
      - get: /first
        headers: { authorization: "Bearer x", x-plain: "1" }
      - get: /second
        headers: { authorization: "Bearer x", x-plain: "1" }
"#;

/// What the second of two targets sees of requests that the first one sends on.
fn seen_through_a_redirect(place: impl Fn(&str) -> String) -> Vec<Recorded> {
    let echo = Echo::start();
    let first = pointing_to(place(&echo.url()));
    let (_, report) = Run::of(LOOKING).with(&["--target", &first.url()]).finish();
    assert_eq!(report.accounting.completed, 1, "{:?}", report.steps);
    let seen = echo.seen();
    assert_eq!(seen.len(), 2, "{seen:?}");
    for request in &seen {
        assert_eq!(request.header("x-plain"), Some("1"));
        assert_eq!(request.header("authorization"), None, "{request:?}");
    }
    seen
}

#[test]
fn cookies_do_not_follow_a_redirect_to_another_host() {
    let seen = seen_through_a_redirect(|url| url.replace("127.0.0.1", "localhost") + "/there");
    for request in seen {
        assert_eq!(request.header("cookie"), None, "{request:?}");
    }
}

/// Cookies know no ports (RFC 6265, 8.5); credentials in headers do.
#[test]
fn cookies_follow_a_redirect_to_another_port_of_their_host() {
    let seen = seen_through_a_redirect(|url| format!("{url}/there"));
    for request in seen {
        assert_eq!(request.header("cookie"), Some("visit=1"), "{request:?}");
    }
}

#[test]
fn cookies_do_not_go_to_another_host_that_a_step_names() {
    let (target, other) = (Echo::start(), Echo::start());
    let elsewhere = other.url().replace("127.0.0.1", "localhost");
    let scenario = format!(
        "name: elsewhere
load: {{ model: one-by-one, journeys: 1 }}
journeys: [{{ name: look, steps: [{{ get: /cookie }}, {{ get: '{elsewhere}/cookie', name: GET elsewhere }}, {{ get: /page }}] }}]
"
    );
    Run::of(&scenario)
        .with(&["--target", &target.url()])
        .finish();
    assert_eq!(other.seen()[0].header("cookie"), None);
    let last = target.seen().pop().expect("a request");
    let cookie = last.header("cookie").expect("its own");
    assert!(
        cookie.starts_with("visit=") && !cookie.contains(';'),
        "{cookie}"
    );
}

#[test]
fn a_location_in_utf_8_is_followed_and_one_that_leads_nowhere_is_called_so() {
    let echo = Echo::start();
    let first = pointing_to(format!("{}/größe", echo.url()));
    Run::of(LOOKING).with(&["--target", &first.url()]).finish();
    assert_eq!(echo.seen()[0].path, "/gr%C3%B6%C3%9Fe");

    let nowhere = pointing_to("http://[nowhere".to_owned());
    let (_, report) = Run::of(LOOKING)
        .with(&["--target", &nowhere.url()])
        .finish();
    assert_eq!(
        crate::support::errors(&report)
            .into_keys()
            .collect::<Vec<_>>(),
        ["bad_redirect"]
    );
}

const TOKEN: &str = "an auditor for the length of a test";

fn run_with_token(target: &str, more: &[&str]) -> crate::support::Ended {
    let run = Run::of(LOOKING).with(&["--target", target]).with(more);
    let mut command = Command::new(env!("CARGO_BIN_EXE_loadgen"));
    command
        .args(run.arguments())
        .env("SHOP_AUDIT_TOKEN", TOKEN)
        .env("SHOP_ADMIN_TOKEN", TOKEN);
    Program::spawn(command).wait()
}

#[test]
fn no_target_sees_the_auditors_token_unasked() {
    let echo = Echo::start();
    run_with_token(&echo.url(), &[]);
    let seen = echo.seen();
    assert_eq!(seen.len(), 2, "only the load: {seen:?}");
    for request in seen {
        assert_eq!(request.header("authorization"), Some("Bearer x"));
    }
}

#[test]
fn the_auditors_token_follows_no_redirect() {
    let echo = Echo::start();
    let first = pointing_to(echo.url() + "/books");
    let ended = run_with_token(&first.url(), &["--audit"]);
    assert_eq!(ended.code(), 1, "{}{}", ended.out, ended.err);
    assert_eq!(echo.seen(), []);
}
