//! `loadgen audit`: a clean run is clean, and damage in the shop's data is found.

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use serde_json::Value;

use crate::storm::OwnShop;
use crate::support::{Ended, Program, Run};

/// Twenty shoppers who order and pay, one after the other, and one who orders and goes.
const SHOPPING: &str = r#"
name: shopping
load: { model: one-by-one, journeys: 20 }
http: { timeout: 60s }
popularity: { products: { items: 40, exponent: 1.0 } }
journeys:
  - name: buy
    weight: 9
    steps:
      - set: { product: "${popular(products)}", order_key: "${uuid}" }
      - post: /api/orders
        headers: { idempotency-key: "${order_key}" }
        json: { items: [{ productId: "${product}", quantity: 2 }], email: "${person.email}", payment: intent }
        check: { status: 201 }
        extract: { order: /id, pass: /accessToken }
        promise: { kind: order, id: /id, total: /total, currency: /currency, product: /items/0/productId, quantity: /items/0/quantity, key: "${order_key}" }
      - leave: 10%
      - post: /api/payment/create-intent
        headers: { authorization: "Bearer ${pass}" }
        json: { orderId: "${order}" }
        extract: { intent: /id }
      - post: /api/payment/confirm
        headers: { authorization: "Bearer ${pass}" }
        json: { intentId: "${intent}", paymentMethod: pm_card_visa }
        check: { json: { /status: succeeded } }
        promise: { kind: payment, id: /id, order: "${order}", amount: /amount, currency: /currency }
  - name: charged-later
    steps:
      - post: /api/orders
        json: { customerId: "123", items: [item1, item2], total: 99.99 }
        check: { status: 201 }
        promise: { kind: order, id: /id, total: /total, currency: /currency }
"#;

fn audit(folder: &Path, arguments: &[&str]) -> Ended {
    let folder = folder.to_str().expect("UTF-8");
    Program::start(["audit", folder].iter().chain(arguments)).wait()
}

/// What is said of the check, in the JSON of an audit.
fn check<'a>(findings: &'a Value, id: &str) -> &'a Value {
    let checks = findings["checks"].as_array().expect("checks");
    checks
        .iter()
        .find(|check| check["id"] == id)
        .unwrap_or_else(|| panic!("no check {id}"))
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        match entry.file_type().expect("a type").is_dir() {
            true => copy(&entry.path(), &target),
            false => drop(fs::copy(entry.path(), target).expect("a copy")),
        }
    }
}

fn database(folder: &Path, name: &str) -> Connection {
    Connection::open(folder.join("shop").join(name)).expect("the database")
}

fn change(folder: &Path, file: &str, statements: &str) {
    let database = database(folder, file);
    database
        .execute_batch(&format!("PRAGMA foreign_keys = off; {statements}"))
        .expect("the change");
}

#[test]
fn a_run_is_audited_before_its_shop_stops_and_again_later() {
    let run = Run::of(SHOPPING).with(&["--audit", "--keep-shop"]);
    let (ended, report) = run.finish();
    assert_eq!(
        ended.code(),
        crate::support::code_of(&report),
        "{}",
        ended.out
    );
    assert!(ended.out.contains("CLEAN"), "{}", ended.out);
    let folder = run.run_folder();
    let kept: Value =
        serde_json::from_str(&fs::read_to_string(folder.join("audit.json")).expect("audit.json"))
            .expect("JSON");
    assert_eq!(
        (&kept["clean"], &kept["counts"]["acknowledged"]),
        (&true.into(), &20.into())
    );
    let again = audit(&folder, &["--json"]);
    assert_eq!(again.code(), 0, "{}{}", again.out, again.err);
    let findings: Value = serde_json::from_str(&again.out).expect("JSON");
    for id in [
        "exists",
        "same",
        "final",
        "paid",
        "told_paid",
        "refunded",
        "stock",
        "not_negative",
    ] {
        assert!(
            check(&findings, id)["examined"].as_u64() > Some(0),
            "{id}: {findings}"
        );
    }
    assert_eq!(check(&findings, "stock")["examined"], 10_000);
    assert_eq!(findings["counts"]["nobody_was_told"], 0);
    // Nothing of what opened the books is left anywhere in the folder.
    let said = [ended.out, ended.err, again.out, again.err].concat();
    assert!(!said.contains("SHOP_AUDIT_TOKEN="));
    damage_is_found(&folder);
}

/// Each damage is done to a copy of the run, and the audit of that copy must name it.
fn damage_is_found(folder: &Path) {
    let scratch = tempfile::tempdir().expect("a folder");
    let paid = {
        let shop = database(folder, "shop.db");
        let sql = "SELECT id FROM orders WHERE status = 'reserved' AND payment_mode = 'intent' ORDER BY id";
        shop.query_row(sql, (), |row| row.get::<_, String>(0))
            .expect("a paid order")
    };
    let damages: &[(&str, &str, String)] = &[
        ("exists", "shop.db", format!(
            "DELETE FROM order_lines WHERE order_id = '{paid}'; DELETE FROM payments WHERE order_id = '{paid}';
             DELETE FROM orders WHERE id = '{paid}';")),
        ("same", "shop.db", format!("UPDATE orders SET total_minor = total_minor + 1 WHERE id = '{paid}';")),
        ("paid", "provider.db", format!(
            "INSERT INTO charges (idempotency_key, charge_id, amount_minor, currency, created_at_ms)
             SELECT 'order:{paid}', 'ch_again', amount_minor, currency, created_at_ms FROM charges LIMIT 1;")),
        ("told_paid", "shop.db", format!(
            "UPDATE orders SET payment_state = 'none' WHERE id = '{paid}';")),
        ("refunded", "shop.db", format!("UPDATE orders SET status = 'failed', stock_held = 0 WHERE id = '{paid}';")),
        ("stock", "shop.db", "UPDATE products SET stock = stock - 3 WHERE id = 5000;".to_owned()),
        ("not_negative", "shop.db",
            "PRAGMA ignore_check_constraints = on; UPDATE products SET stock = -1 WHERE id = 5000;".to_owned()),
        ("idle", "shop.db", "INSERT INTO outbox (event_id, body) VALUES ('x', 'no event');".to_owned()),
    ];
    for (id, file, statements) in damages {
        let damaged: PathBuf = scratch.path().join(id);
        copy(folder, &damaged);
        change(&damaged, file, statements);
        let ended = audit(&damaged, &["--json", "--wait", "2s"]);
        assert_eq!(ended.code(), 3, "{id}: {}{}", ended.out, ended.err);
        let findings: Value = serde_json::from_str(&ended.out).expect("JSON");
        assert_eq!(findings["clean"], false);
        let found = check(&findings, id);
        assert!(found["differing"].as_u64() > Some(0), "{id}: {findings}");
        let about = match *id {
            "stock" | "not_negative" => "5000",
            "idle" => "outbox",
            _ => paid.as_str(),
        };
        assert!(
            found["differences"].to_string().contains(about),
            "{id}: {found}"
        );
        fs::remove_dir_all(damaged).expect("removed");
    }
}

#[test]
fn what_is_wrong_with_the_command_is_told_with_a_remedy() {
    let empty = tempfile::tempdir().expect("a folder");
    let ended = audit(empty.path(), &[]);
    assert_eq!(ended.code(), 2);
    assert!(
        ended.err.contains("no run") && ended.err.contains("loadgen run"),
        "{}",
        ended.err
    );

    let shop = OwnShop::start(&[("SHOP_AUDIT_TOKEN", "the right one")]);
    let target = shop.url("gateway").to_owned();
    let run = Run::of(SHOPPING).with(&["--target", &target]);
    run.finish();
    let folder = run.run_folder();
    let with = |token: Option<&str>, target: &str| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_loadgen"));
        command
            .arg("audit")
            .arg(&folder)
            .args(["--target", target, "--wait", "5s"]);
        command
            .env_remove("SHOP_ADMIN_TOKEN")
            .env_remove("SHOP_AUDIT_TOKEN");
        command.envs(token.map(|token| ("SHOP_AUDIT_TOKEN", token)));
        Program::spawn(command).wait()
    };
    for (ended, words) in [
        (with(None, &target), ["SHOP_AUDIT_TOKEN", "set"]),
        (
            with(Some("the wrong one"), &target),
            ["401", "SHOP_AUDIT_TOKEN"],
        ),
        (with(Some("x"), "ftp://shop"), ["--target", "http://"]),
        (with(Some("x"), shop.url("cart")), ["no books", "gateway"]),
    ] {
        assert_eq!(ended.code(), 2, "{}", ended.err);
        assert!(
            words.iter().all(|word| ended.err.contains(word)),
            "{}",
            ended.err
        );
        assert!(!ended.err.contains("the wrong one"), "{}", ended.err);
    }
    let ended = with(Some("the right one"), &target);
    assert_eq!(ended.code(), 0, "{}{}", ended.out, ended.err);
    // Nobody looked at the shelves before that run.
    assert!(ended.out.contains("not known"), "{}", ended.out);
}
