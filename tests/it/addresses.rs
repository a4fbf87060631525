//! Names with several addresses: whoever listens on one of them is reached.

use crate::echo::Echo;
use crate::support::{Run, errors};

/// Two journeys to this URL: both arrive, whatever else the name stands for.
fn reached(echo: &Echo, host: &str, more: &[&str]) {
    let scenario = "name: names
load: { model: one-by-one, journeys: 2 }
journeys: [{ name: look, steps: [{ get: /a }, { get: /b }] }]
";
    let url = format!("http://{host}:{}", echo.port());
    let run = Run::of(scenario).with(&["--target", &url]).with(more);
    let (ended, report) = run.finish();
    assert!(errors(&report).is_empty(), "{host}: {}", ended.out);
    let seen = echo.seen();
    assert_eq!(seen.len(), 4, "{host}");
    let authority = format!("{host}:{}", echo.port());
    for request in seen {
        assert_eq!(request.header("host"), Some(authority.as_str()));
    }
}

#[test]
fn localhost_is_reached_over_either_family() {
    for address in ["127.0.0.1", "::1"] {
        reached(&Echo::on(address), "localhost", &[]);
        reached(&Echo::on(address), "shop.localhost", &[]);
    }
}

#[test]
fn a_name_is_reached_at_whichever_address_answers() {
    for address in ["127.0.0.1", "::1"] {
        let echo = Echo::on(address);
        let resolve = format!("shop.example:{}:127.0.0.1,[::1]", echo.port());
        reached(&echo, "shop.example", &["--resolve", &resolve]);
        let echo = Echo::on(address);
        let rule = format!("shop.example:{}:localhost:", echo.port());
        reached(&echo, "shop.example", &["--connect-to", &rule]);
    }
}

#[test]
fn where_nobody_listens_at_any_address_the_connection_was_refused() {
    let echo = Echo::start();
    let url = format!("http://localhost:{}", echo.port());
    drop(echo);
    let scenario = "name: nobody
load: { model: one-by-one, journeys: 1 }
journeys: [{ name: look, steps: [{ get: /a }] }]
";
    let (_, report) = Run::of(scenario).with(&["--target", &url]).finish();
    assert_eq!(errors(&report), [("connect_refused".to_owned(), 1)].into());
}
