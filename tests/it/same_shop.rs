//! Two runs with one seed against one shop: both measure the shop, not its memory, and both audits are clean.

use std::process::Command;

use loadgen::report::RunReport;

use crate::storm::OwnShop;
use crate::support::{Ended, Program, Run};

/// Guests and newcomers who order and pay: whatever must be unique in a shop is made here.
const SHOPPING: &str = r#"
name: shopping
seed: 3
load: { model: open, phases: [{ name: steady, for: 2s, rate: 10/s }] }
http: { timeout: 60s }
popularity: { products: { items: 40, exponent: 1.0 } }
journeys:
  - name: buy
    steps:
      - set: { product: "${popular(products)}", order_key: "${uuid}" }
      - when: chance 20%
        then:
          - post: /api/auth/register
            json: { email: "${person.email}", password: "${person.password}", name: "${person.name}" }
            check: { status: 201 }
            count: registrations
      - post: /api/cart/add
        json: { sessionId: "${session}", productId: "${product}", quantity: 1 }
        check: { json: { /items/0/quantity: 1 } }
      - post: /api/orders
        headers: { idempotency-key: "${order_key}" }
        json: { items: [{ productId: "${product}", quantity: 1 }], email: "${person.email}", cartSessionId: "${session}", payment: intent }
        check: { status: 201 }
        extract: { order: /id, pass: /accessToken }
        count: orders
        promise: { kind: order, id: /id, total: /total, currency: /currency, product: /items/0/productId, quantity: /items/0/quantity, key: "${order_key}" }
      - post: /api/payment/create-intent
        headers: { authorization: "Bearer ${pass}" }
        json: { orderId: "${order}" }
        extract: { intent: /id }
        on-error: go-on
      - when: intent exists
        then:
          - post: /api/payment/confirm
            headers: { authorization: "Bearer ${pass}" }
            json: { intentId: "${intent}", paymentMethod: pm_card_visa }
            promise: { kind: payment, id: /id, order: "${order}", amount: /amount, currency: /currency }
            on-error: go-on
"#;

const TOKEN: &str = "an auditor for the length of a test";

/// A run on the shop, audited.
fn audited(target: &str, more: &[&str]) -> (Ended, RunReport) {
    let run = Run::of(SHOPPING)
        .with(&["--target", target, "--audit"])
        .with(more);
    let mut command = Command::new(env!("CARGO_BIN_EXE_loadgen"));
    command.args(run.arguments()).env("SHOP_AUDIT_TOKEN", TOKEN);
    let ended = Program::spawn(command).wait();
    ended.code();
    let report = run.report();
    assert!(ended.out.contains("CLEAN"), "{}{}", ended.out, ended.err);
    (ended, report)
}

fn accuses_replays(report: &RunReport) -> bool {
    let mut reasons = report.verdict.reasons.iter();
    reasons.any(|reason| reason.what.contains("replays"))
}

fn count(report: &RunReport, counter: &str) -> u64 {
    report.counters[counter].values().sum()
}

#[test]
fn a_second_run_with_one_seed_makes_orders_of_its_own() {
    let shop = OwnShop::start(&[("SHOP_AUDIT_TOKEN", TOKEN)]);
    let target = shop.url("gateway").to_owned();
    let (_, first) = audited(&target, &[]);
    let (_, second) = audited(&target, &[]);
    assert_ne!(first.scenario.run_id, second.scenario.run_id);
    for report in [&first, &second] {
        assert_eq!(crate::support::errors(report).len(), 0, "{report:#?}");
        assert!(!accuses_replays(report), "{:?}", report.verdict);
        assert_eq!(report.replays().replayed, 0);
        assert_eq!(report.replays().keyed, report.accounting.planned);
    }
    for counter in ["orders", "registrations"] {
        assert!(count(&first, counter) > 0);
        assert_eq!(count(&first, counter), count(&second, counter), "{counter}");
    }

    // The second run once more, with its very keys: the shop answers from memory, and the run says so.
    let again = ["--run-id", &second.scenario.run_id];
    let (ended, third) = audited(&target, &again);
    assert!(accuses_replays(&third), "{:?}", third.verdict);
    assert_eq!(ended.code(), 4, "{}", ended.out);
    let replays = third.replays();
    assert_eq!(
        (replays.replayed, replays.unforeseen),
        (replays.keyed, replays.keyed)
    );
    assert_eq!(count(&third, "orders"), 0, "nothing was made");
    assert!(
        ended.out.contains("replays") && ended.out.contains("--run-id"),
        "{}",
        ended.out
    );
}

#[test]
fn asking_twice_is_foreseen() {
    let shop = OwnShop::start(&[]);
    let scenario = r#"
name: twice
load: { model: one-by-one, journeys: 3 }
journeys:
  - name: buy
    steps:
      - set: { order_key: "${uuid}" }
      - repeat: 2
        steps:
          - post: /api/orders
            headers: { idempotency-key: "${order_key}" }
            json: { items: [{ productId: 7, quantity: 1 }], email: "${person.email}", payment: intent }
            check: { status: 201 }
"#;
    let run = Run::of(scenario).with(&["--target", shop.url("gateway")]);
    let (ended, report) = run.finish();
    let replays = report.replays();
    assert_eq!(
        (replays.keyed, replays.replayed, replays.unforeseen),
        (6, 3, 0)
    );
    assert!(!accuses_replays(&report), "{}", ended.out);
}
