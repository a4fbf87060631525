//! A shop whose services are processes of their own, and the storm that tests let loose on it.

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Program, Run, assert_adds_up, eventually};

/// How often a service that ends at its start is started.
const STARTS_MAX: usize = 5;
/// How long the pipeline may take, after the last promise, for what a storm has piled up: eight unoptimised processes and their
/// servers share the machine.
const SETTLED_MAX: Duration = Duration::from_secs(480);
/// How long the books may take to be read after that.
const READ_MAX: Duration = Duration::from_secs(60);
/// Signs nothing and opens nothing outside this test.
const AUDIT_TOKEN: &str = "an auditor for the length of a test";

pub(crate) const SERVICES: [&str; 8] = [
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
pub(crate) struct Town {
    folder: TempDir,
    ports: BTreeMap<&'static str, u16>,
    running: BTreeMap<&'static str, Program>,
    /// Where the stores are, as the services' environment says it; embedded where it says nothing.
    stores: Vec<(&'static str, String)>,
}

impl Town {
    pub(crate) fn start(stores: Vec<(&'static str, String)>) -> Self {
        let mut town = Self {
            folder: tempfile::tempdir().expect("a folder"),
            ports: free_ports(),
            running: BTreeMap::new(),
            stores,
        };
        for service in SERVICES {
            town.serve(service);
        }
        town
    }

    pub(crate) fn url(&self, service: &str) -> String {
        format!("http://127.0.0.1:{}", self.ports[service])
    }

    fn ready_file(&self, service: &str) -> PathBuf {
        self.folder.path().join(format!("{service}.json"))
    }

    /// Starts a service; again when it ends because its stores are too busy to be reached, as an orchestrator would.
    fn serve(&mut self, service: &'static str) {
        let mut said = String::new();
        for _ in 0..STARTS_MAX {
            let ready = self.ready_file(service);
            let _ = fs::remove_file(&ready);
            let mut program = Program::spawn(self.command(service, &ready));
            let listens = eventually(&format!("{service} that listens"), || {
                if program.is_running() {
                    return ready.exists().then_some(true);
                }
                Some(false)
            });
            if listens {
                self.running.insert(service, program);
                return;
            }
            said = program.err();
        }
        panic!("{service} does not start:\n{said}");
    }

    fn command(&self, service: &str, ready: &Path) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_loadgen"));
        command
            .args(["shop", "serve", "--log-level", "warn"])
            .args(["--service", service])
            .args(["--port", &format!("{service}={}", self.ports[service])])
            .arg("--data")
            .arg(self.folder.path().join("data"))
            .arg("--ready-file")
            .arg(ready)
            .args(["--password-cost", "64,1,1", "--products", "2000"])
            .env("SHOP_AUDIT_TOKEN", AUDIT_TOKEN)
            // Some orders fail, so that failing is exercised as well.
            .env("SHOP_DECLINE_SHARE", "0.1")
            .envs(self.stores.iter().map(|(name, value)| (name, value)));
        for other in SERVICES.into_iter().filter(|other| *other != "gateway") {
            command.args([format!("--{other}-url"), self.url(other)]);
        }
        command
    }

    /// `kill -9`, and a new start.
    pub(crate) fn kill_and_restart(&mut self, service: &'static str) {
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

/// The checkout storm with more kinds of shoppers: some leave the payment to the shop and look at their order, some
/// change their minds, some hang up in the middle of a request (about every twentieth request).
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
    // Some before the order is charged and some after, however slow queues and machine are.
    let change_of_mind = r#"      - think: 0ms..3s
      - delete: /api/orders/${order}
        headers: { authorization: "Bearer ${pass}" }
        outcomes: [{ name: too_late, status: 409 }]
"#;
    let look = r#"      - get: /api/orders/${order}
        headers: { authorization: "Bearer ${pass}" }
        outcomes: [{ name: vanished, status: 404 }]
"#;
    let mut hang_up = String::from("  - name: hang-up\n    weight: 4\n    steps:\n");
    for timeout_ms in [1, 2, 3, 5] {
        hang_up.push_str(&format!(
            r#"      - post: /api/orders
        timeout: {timeout_ms}ms
        json: {{ items: [{{ productId: "${{popular(products)}}", quantity: 1 }}], email: "${{person.email}}" }}
        on-error: go-on
"#
        ));
    }
    let journeys = format!(
        "journeys:\n  - name: leave-it-to-the-shop\n    weight: 4\n    steps:\n{order}{look}  - name: change-of-mind\n    weight: 2\n    steps:\n{order}{change_of_mind}{hang_up}"
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

/// A run of the storm against a town.
pub(crate) struct Storm {
    run: Run,
    program: Program,
    target: String,
}

impl Storm {
    /// Lets so many shoppers a second come; returns when the first have come.
    pub(crate) fn on(town: &Town, shoppers_per_s: u64) -> Self {
        let target = town.url("gateway");
        let rates = ["baseline", "spike", "recovery"]
            .map(|phase| format!("load.phases.{phase}.rate={shoppers_per_s}/s"));
        let mut arguments = vec!["--target", &target, "--duration", "60m"];
        for rate in &rates {
            arguments.extend(["--set", rate]);
        }
        let run = Run::of(&scenario()).with(&arguments);
        let mut command = Command::new(env!("CARGO_BIN_EXE_loadgen"));
        command
            .args(run.arguments())
            .env("SHOP_AUDIT_TOKEN", AUDIT_TOKEN);
        let mut program = Program::spawn(command);
        program.says("\"elapsed_s\"");
        Storm {
            run,
            program,
            target,
        }
    }

    /// What clients were promised so far.
    pub(crate) fn promises(&self) -> usize {
        promised(&self.run.run_folder())
    }

    /// Waits for so many more promises.
    pub(crate) fn promises_more(&self, count: usize) {
        let before = self.promises();
        eventually("more promises", || {
            (self.promises() >= before + count).then_some(())
        });
    }

    /// Ends the storm and audits the shop, which must be as it was promised; returns what was counted.
    pub(crate) fn end_and_audit(self, what: &str) -> Value {
        self.program.signal(rustix::process::Signal::INT);
        assert_eq!(self.program.wait().code(), 130);
        let report = self.run.report();
        assert_adds_up(&report);
        let steps = report.steps.iter();
        let vanished: u64 = steps.filter_map(|step| step.outcomes.get("vanished")).sum();
        assert_eq!(vanished, 0, "acknowledged orders were answered 404: {what}");
        let mut command = Command::new(env!("CARGO_BIN_EXE_loadgen"));
        command
            .args(["audit", "--json", "--target", &self.target])
            .args(["--wait", &format!("{}s", SETTLED_MAX.as_secs())])
            .arg(self.run.run_folder())
            .env("SHOP_AUDIT_TOKEN", AUDIT_TOKEN);
        let audit = Program::spawn(command).wait_within(SETTLED_MAX + READ_MAX);
        assert_eq!(audit.code(), 0, "{what}\n{}{}", audit.out, audit.err);
        let findings: Value = serde_json::from_str(&audit.out).expect("JSON");
        eprintln!(
            "{what}; waited {} s; {}",
            findings["waited_s"], findings["counts"]
        );
        findings["counts"].clone()
    }
}

fn promised(folder: &Path) -> usize {
    let text = fs::read_to_string(folder.join("orders.jsonl")).unwrap_or_default();
    text.lines().count()
}
