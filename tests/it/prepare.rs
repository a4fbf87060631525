//! The requests before a run: one executor for them and for steps.

use std::time::Duration;

use crate::echo::{Echo, Recorded};
use crate::support::{Run, errors};

fn paths(seen: &[Recorded]) -> Vec<&str> {
    seen.iter().map(|sent| sent.path.as_str()).collect()
}

/// A scenario with these requests before it, and one step.
fn scenario(head: &str, prepare: &str, step: &str) -> String {
    format!(
        "name: stage
load: {{ model: one-by-one, journeys: 2 }}
{head}prepare: [{prepare}]
journeys: [{{ name: look, steps: [{step}] }}]
"
    )
}

#[test]
fn what_they_extract_reaches_every_shopper() {
    for variables in ["", "variables: { token: none, auth: 'Bearer ${token}' }\n"] {
        let echo = Echo::start();
        let login = "{ post: /login, json: {}, extract: { token: /token } }";
        let stage = "{ get: '/stage/${token}', extract: { stage: /id } }";
        let step = "{ get: '/page/${token}/${stage}' }";
        let text = scenario(variables, &format!("{login}, {stage}"), step);
        let (_, report) = Run::of(&text).with(&["--target", &echo.url()]).finish();
        assert!(errors(&report).is_empty());
        let seen = echo.seen();
        let paths = paths(&seen);
        let [login, stage, one, two] = paths[..] else {
            panic!("{paths:?}");
        };
        assert_eq!(login, "/login");
        let token = stage.strip_prefix("/stage/").expect("a token");
        assert!(token.starts_with("t-"), "{token}");
        assert!(one.starts_with(&format!("/page/{token}/")) && one.len() > token.len() + 10);
        assert_eq!(one, two);
        // Not part of the measurement.
        assert_eq!(report.steps.iter().map(|step| step.ok).sum::<u64>(), 2);
    }
}

#[test]
fn a_personas_own_value_stays_its_own() {
    let echo = Echo::start();
    let head = "personas: [{ name: own, set: { token: mine } }]\n";
    let login = "{ post: /login, json: {}, extract: { token: /token } }";
    let text = scenario(head, login, "{ get: '/page/${token}' }");
    Run::of(&text).with(&["--target", &echo.url()]).finish();
    assert_eq!(paths(&echo.seen()), ["/login", "/page/mine", "/page/mine"]);
}

#[test]
fn one_that_fails_keeps_the_load_from_being_started() {
    for (request, name) in [
        ("{ get: /stage, check: { json: { /id: 5 } } }", "json /id"),
        ("{ get: /stage, extract: { a: /nothing } }", "extract:a"),
        ("{ get: /stage, check: { status: 404 } }", "status_200"),
    ] {
        let echo = Echo::start();
        let run = Run::of(&scenario("", request, "{ get: /page }"));
        let ended = run.with(&["--target", &echo.url()]).start().wait();
        assert_eq!(ended.code(), 1, "{}", ended.err);
        let said = format!("ended in `{name}` (HTTP/1.1 200): expected ");
        assert!(ended.err.contains(&said), "{}", ended.err);
        assert!(
            ended.err.contains("; the load was not started"),
            "{}",
            ended.err
        );
        assert_eq!(paths(&echo.seen()), ["/stage"]);
    }
}

#[test]
fn time_limits_headers_and_going_on_hold_for_them() {
    let echo = Echo::after(Duration::from_millis(300));
    let head = "http: { headers: { x-who: everyone } }\n";
    let slow = "{ get: /slow, timeout: 10ms, on-error: go-on }";
    let own = "{ get: /own, headers: { x-who: me } }";
    let text = scenario(head, &format!("{slow}, {own}"), "{ get: /page }");
    Run::of(&text).with(&["--target", &echo.url()]).finish();
    let seen = echo.seen();
    assert_eq!(paths(&seen), ["/slow", "/own", "/page", "/page"]);
    let who: Vec<_> = seen.iter().map(|sent| sent.header("x-who")).collect();
    let (everyone, me) = (Some("everyone"), Some("me"));
    assert_eq!(who, [everyone, me, everyone, everyone]);
}
