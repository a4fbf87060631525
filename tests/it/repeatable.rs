//! The same seed sends the same requests, whatever the number of workers; segments together send what one would have.

use std::collections::BTreeMap;

use crate::echo::{Echo, Recorded};
use crate::support::{Run, assert_adds_up, errors};

/// Everything that draws from the seed. One connection a shopper, so that requests sent together arrive in their order.
const EVERYTHING: &str = r#"
name: everything
seed: 7
load:
  model: open
  phases:
    - { name: steady, for: 1s, rate: 20/s }
    - { name: climb, for: 1s, ramp: { from: 20/s, to: 60/s } }
browser: { style: rum }
http: { connections: { per-shopper: 1 }, timeout: 60s }
limits: { start-lag: 10m, drain: 60s }
popularity:
  products: { items: 10000, exponent: 1.05, hot: { item: 42, share: 20% } }
personas:
  - { name: guest, weight: 3, basket: 1..4, declined-cards: 30%, countries: { DE: 1, FR: 2 }, devices: { mobile: 1, desktop: 1 } }
  - { name: regular, weight: 2, returning: 50%, pace: 0.5, set: { tier: gold } }
journeys:
  - name: buy
    weight: 2
    steps:
      - get: /cookie?q=${word}
        extract: { token: /token }
      - think: 1ms..20ms
      - set: { product: "${popular(products)}", key: "${uuid}" }
      - together:
          - get: /api/products/${product}
            extract: { order: /id }
          - get: /api/recommendations?productId=${product}&limit=4
          - get: /api/other?n=${int(1, 1000)}
      - leave: 20%
      - repeat: 1..3
        steps:
          - think: { exponential: 5ms }
          - get: /api/search?q=${word}
      - when: chance 50%
        then:
          - post: /api/auth/register
            json: { email: "${person.email}", password: "${person.password}", name: "${person.name}" }
      - choose:
          - { weight: 2, steps: [{ get: /d }] }
          - { weight: 1, steps: [{ get: /e }] }
      - post: /api/orders
        headers: { idempotency-key: "${key}", authorization: "Bearer ${token}" }
        json: { product: "${product}", pieces: "${basket}", card: "${card.number}", before: "${order}" }
        check: { status: 201 }
  - name: look
    weight: 1
    steps:
      - get: /api/products?limit=20
"#;

type Sessions = BTreeMap<String, Vec<Recorded>>;

/// What a run sends, by shopper.
fn sent(scenario: &str, arguments: &[&str]) -> Sessions {
    let echo = Echo::start();
    let run = Run::of(scenario)
        .with(&["--target", &echo.url(), "--run-id", "a-test"])
        .with(arguments);
    let (_, report) = run.finish();
    assert_adds_up(&report);
    // A journey that was cut off would be shorter for a reason that has nothing to do with the seed.
    assert_eq!(errors(&report), BTreeMap::new());
    assert_eq!(report.accounting.in_flight, 0);
    let mut sessions = echo.by_session();
    for request in sessions.values_mut().flatten() {
        // Connections and the port are the run's, not the seed's.
        request.connection = 0;
        request.headers.retain(|(name, _)| name != "host");
    }
    assert_eq!(sessions.len() as u64, report.accounting.planned);
    sessions
}

fn assert_same(one: &Sessions, other: &Sessions) {
    let (one_names, other_names): (Vec<_>, Vec<_>) = (one.keys().collect(), other.keys().collect());
    assert_eq!(one_names, other_names);
    for (session, requests) in one {
        assert_eq!(requests, &other[session], "session {session}");
    }
}

#[test]
fn the_same_seed_sends_the_same_and_another_one_does_not() {
    let one = sent(EVERYTHING, &["--workers", "1"]);
    let two = sent(EVERYTHING, &["--workers", "3"]);
    assert!(one.len() > 40, "only {} shoppers", one.len());
    assert_same(&one, &two);
    let other = sent(EVERYTHING, &["--seed", "8"]);
    assert!(other.keys().all(|session| !one.contains_key(session)));
}

#[test]
fn the_checkout_storm_is_the_same_storm_each_time() {
    let text = std::fs::read_to_string("scenarios/checkout-storm.yaml").expect("the scenario");
    let text = format!("{text}\nhttp: {{ connections: {{ per-shopper: 1 }}, timeout: 60s }}\n");
    let arguments = ["--duration", "3s"];
    let one = sent(&text, &arguments);
    let two = sent(&text, &arguments);
    assert_same(&one, &two);
    let orders = one.values().flatten().filter(|request| {
        request.path == "/api/orders" && request.header("idempotency-key").is_some()
    });
    assert!(orders.count() > 10);
}

#[test]
fn segments_together_are_the_whole() {
    let whole = sent(EVERYTHING, &[]);
    let mut together = Sessions::new();
    for segment in ["1/3", "2/3", "3/3"] {
        let part = sent(EVERYTHING, &["--segment", segment]);
        assert!(!part.is_empty() && part.len() < whole.len());
        for (session, requests) in part {
            let twice = together.insert(session.clone(), requests);
            assert!(twice.is_none(), "{session} belongs to two segments");
        }
    }
    assert_same(&whole, &together);
}

#[test]
fn cookies_come_back_and_connections_are_the_shoppers_own() {
    let echo = Echo::start();
    let run = Run::of(EVERYTHING).with(&["--target", &echo.url(), "--rate-scale", "0.5"]);
    run.finish();
    let mut owners = BTreeMap::new();
    let mut with_cookie = 0;
    for (session, requests) in echo.by_session() {
        for request in &requests {
            let owner = owners.entry(request.connection).or_insert(session.clone());
            assert_eq!(*owner, session, "a connection with two shoppers");
        }
        let came = requests[0].path.starts_with("/cookie");
        for later in &requests[1..] {
            assert_eq!(later.header("cookie").is_some(), came, "{later:?}");
            with_cookie += u32::from(came);
        }
    }
    assert!(with_cookie > 10);
}
