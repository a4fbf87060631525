//! Each service is a process of its own, and random ones are killed during a checkout storm: afterwards nothing is lost,
//! nothing is there twice, and stock and money are exact.
//!
//! `STORM_KILLS=30` kills that often (the tests' own number is smaller), `STORM_SEED` chooses other victims. With
//! `DATABASE_URL` and `REDIS_URL` in the environment the services use those instead of the embedded stores.

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Program, Run, assert_adds_up, eventually};

const KILLS_DEFAULT: usize = 6;
/// The storm goes on after the last kill until clients hold so many promises: enough that every kind of end has come up (of a
/// hundred orders that the shop charges by itself, ten are declined).
const PROMISES_MIN: usize = 300;
/// Those whose death could lose the most come first, so that few kills reach them, too; the others are chosen by chance.
const VICTIMS_FIRST: [&str; 3] = ["orders", "payment", "gateway"];
/// Longest moment between a promise and the kill that follows it.
const MOMENT_MS_MAX: u64 = 400;
/// Signs nothing and opens nothing outside this test.
const AUDIT_TOKEN: &str = "an auditor for the length of a test";

const SERVICES: [&str; 8] = [
    "gateway",
    "orders",
    "cart",
    "auth",
    "payment",
    "search",
    "recommendations",
    "notifications",
];

/// A shop of eight processes at fixed ports with one data folder.
struct Town {
    folder: TempDir,
    ports: BTreeMap<&'static str, u16>,
    running: BTreeMap<&'static str, Program>,
}

impl Town {
    fn start() -> Self {
        let mut town = Self {
            folder: tempfile::tempdir().expect("a folder"),
            ports: free_ports(),
            running: BTreeMap::new(),
        };
        for service in SERVICES {
            town.serve(service);
        }
        town
    }

    fn url(&self, service: &str) -> String {
        format!("http://127.0.0.1:{}", self.ports[service])
    }

    fn ready_file(&self, service: &str) -> PathBuf {
        self.folder.path().join(format!("{service}.json"))
    }

    fn serve(&mut self, service: &'static str) {
        let ready = self.ready_file(service);
        let _ = fs::remove_file(&ready);
        let mut command = Command::new(env!("CARGO_BIN_EXE_loadgen"));
        command
            .args(["shop", "serve", "--log-level", "warn"])
            .args(["--service", service])
            .args(["--port", &format!("{service}={}", self.ports[service])])
            .arg("--data")
            .arg(self.folder.path().join("data"))
            .arg("--ready-file")
            .arg(&ready)
            .args(["--password-cost", "64,1,1", "--products", "2000"])
            .env("SHOP_AUDIT_TOKEN", AUDIT_TOKEN)
            // Some orders fail, so that failing is exercised as well.
            .env("SHOP_DECLINE_SHARE", "0.1");
        for other in SERVICES.into_iter().filter(|other| *other != "gateway") {
            command.args([format!("--{other}-url"), self.url(other)]);
        }
        let mut program = Program::spawn(command);
        eventually(&format!("{service} that listens"), || {
            assert!(program.is_running(), "{service} ended:\n{}", program.err());
            ready.exists().then_some(())
        });
        self.running.insert(service, program);
    }

    /// `kill -9`, and a new start.
    fn kill_and_restart(&mut self, service: &'static str) {
        let program = self.running.remove(service).expect("a running service");
        program.signal(rustix::process::Signal::KILL);
        assert_eq!(program.wait().status.code(), None, "killed");
        self.serve(service);
    }
}

/// Ports that nobody listens on now. All are held until all are known, so that none comes twice.
fn free_ports() -> BTreeMap<&'static str, u16> {
    let held = SERVICES.map(|service| {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        (service, listener)
    });
    held.iter()
        .map(|(service, listener)| (*service, listener.local_addr().expect("an address").port()))
        .collect()
}

/// The checkout storm with two more kinds of shoppers: some leave the payment to the shop, some change their minds.
fn scenario() -> String {
    let text = fs::read_to_string("scenarios/checkout-storm.yaml").expect("the scenario");
    let order = r#"      - set: { product: "${popular(products)}", order_key: "${uuid}" }
      - post: /api/orders
        headers: { idempotency-key: "${order_key}" }
        json: { items: [{ productId: "${product}", quantity: "${basket}" }], email: "${person.email}" }
        check: { status: 201 }
        extract: { order: /id, pass: /accessToken }
        outcomes: [{ name: out_of_stock, status: 409 }]
        promise: { kind: order, id: /id, total: /total, currency: /currency, product: /items/0/productId, quantity: /items/0/quantity, key: "${order_key}" }
"#;
    let change_of_mind = r#"      - think: 0ms..300ms
      - delete: /api/orders/${order}
        headers: { authorization: "Bearer ${pass}" }
        outcomes: [{ name: too_late, status: 409 }]
"#;
    let journeys = format!(
        "journeys:\n  - name: leave-it-to-the-shop\n    weight: 4\n    steps:\n{order}  - name: change-of-mind\n    weight: 2\n    steps:\n{order}{change_of_mind}"
    );
    let changed = text
        .replacen(
            "journeys:\n  # The way to the till",
            &format!("{journeys}  # The way to the till"),
            1,
        )
        .replacen("items: 10000", "items: 2000", 1)
        .replacen("journeys: { buy: 9, look-around: 1 }", "", 1);
    assert!(changed.contains("change-of-mind") && changed.contains("items: 2000"));
    changed
}

fn promised(folder: &Path) -> usize {
    let text = fs::read_to_string(folder.join("orders.jsonl")).unwrap_or_default();
    text.lines().count()
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| {
        text.parse()
            .unwrap_or_else(|_| panic!("{name}={text} is no number"))
    })
}

#[test]
fn nothing_is_lost_when_random_services_are_killed() {
    let kills = number("STORM_KILLS", KILLS_DEFAULT as u64) as usize;
    let mut chance = ChaCha8Rng::seed_from_u64(number("STORM_SEED", 4));
    let mut town = Town::start();
    let target = town.url("gateway");
    let run = Run::of(&scenario()).with(&[
        "--target",
        &target,
        "--set",
        "load.phases.baseline.rate=20/s",
        "--set",
        "load.phases.spike.rate=20/s",
        "--set",
        "load.phases.recovery.rate=20/s",
        "--duration",
        "60m",
    ]);
    let mut command = Command::new(env!("CARGO_BIN_EXE_loadgen"));
    command
        .args(run.arguments())
        .env("SHOP_AUDIT_TOKEN", AUDIT_TOKEN);
    let mut storm = Program::spawn(command);
    storm.says("\"elapsed_s\"");
    let folder = run.run_folder();
    let mut killed: BTreeMap<&str, u32> = BTreeMap::new();
    for kill in 0..kills {
        let before = promised(&folder);
        eventually("promises since the last kill", || {
            (promised(&folder) > before).then_some(())
        });
        // At another moment of the shop's work each time; nothing waits for this.
        std::thread::sleep(Duration::from_millis(chance.random_range(0..MOMENT_MS_MAX)));
        let any = SERVICES[chance.random_range(0..SERVICES.len())];
        let victim = VICTIMS_FIRST.get(kill).copied().unwrap_or(any);
        *killed.entry(victim).or_default() += 1;
        town.kill_and_restart(victim);
    }
    eventually("promises enough", || {
        (promised(&folder) >= PROMISES_MIN).then_some(())
    });
    storm.signal(rustix::process::Signal::INT);
    assert_eq!(storm.wait().code(), 130);
    assert_adds_up(&run.report());

    let mut command = Command::new(env!("CARGO_BIN_EXE_loadgen"));
    command
        .args(["audit", "--json", "--wait", "110s", "--target", &target])
        .arg(&folder)
        .env("SHOP_AUDIT_TOKEN", AUDIT_TOKEN);
    let audit = Program::spawn(command).wait();
    assert_eq!(audit.code(), 0, "{killed:?}\n{}{}", audit.out, audit.err);
    let findings: Value = serde_json::from_str(&audit.out).expect("JSON");
    let counts = &findings["counts"];
    eprintln!(
        "killed {killed:?}; waited {} s; {counts}",
        findings["waited_s"]
    );
    let demands = [
        ("/acknowledged", 30),
        ("/by_status/reserved", 10),
        ("/by_status/failed", 1),
        ("/by_status/cancelled", 1),
        ("/returned_minor/USD", 1),
    ];
    for (pointer, least) in demands {
        let count = counts.pointer(pointer).and_then(Value::as_i64);
        assert!(count >= Some(least), "{pointer}: {counts}");
    }
}
