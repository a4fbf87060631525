//! What the shop acknowledged during a storm is there after it was killed twenty times.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use reqwest::{Client, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Program, Run, assert_adds_up, eventually};

/// How often the shop is killed.
const KILLS: usize = 20;

/// How many promises of each kind the kills put at stake together. A kill waits for its share of them, however slow the machine:
/// the way to an order takes a shopper longer than the shop takes to come back.
const AT_STAKE: [(&str, usize); 4] = [("order", 40), ("user", 5), ("cart", 20), ("payment", 20)];

/// Signs nothing and opens nothing outside this test.
const ADMIN_TOKEN: &str = "an administrator for the length of a test";

/// A shop as a process of its own that comes back at the same address with the same data.
pub(crate) struct OwnShop {
    folder: TempDir,
    /// `--port` of each service; empty until the first start has found free ones.
    ports: Vec<String>,
    services: BTreeMap<String, String>,
    program: Option<Program>,
    secrets: Vec<(&'static str, &'static str)>,
}

impl OwnShop {
    pub(crate) fn start(secrets: &[(&'static str, &'static str)]) -> Self {
        let mut shop = Self {
            folder: tempfile::tempdir().expect("a folder"),
            ports: Vec::new(),
            services: BTreeMap::new(),
            program: None,
            secrets: secrets.to_vec(),
        };
        shop.serve();
        shop
    }

    fn serve(&mut self) {
        let ready = self.folder.path().join("ready.json");
        let _ = fs::remove_file(&ready);
        let mut command = Command::new(env!("CARGO_BIN_EXE_loadgen"));
        command
            .args(["shop", "serve", "--log-level", "warn", "--data"])
            .arg(self.folder.path().join("data"))
            .arg("--ready-file")
            .arg(&ready)
            // Cheap hashes: the cost of passwords is not what is tested.
            .args(["--password-cost", "64,1,1"])
            .envs(self.secrets.iter().copied());
        if self.ports.is_empty() {
            command.arg("--free-ports");
        }
        for port in &self.ports {
            command.args(["--port", port]);
        }
        let program = self.program.insert(Program::spawn(command));
        let told = eventually("a shop that listens", || {
            assert!(program.is_running(), "the shop ended:\n{}", program.err());
            let text = fs::read_to_string(&ready).ok()?;
            Some(serde_json::from_str::<Value>(&text).expect("the ready file is whole"))
        });
        self.services = serde_json::from_value(told["services"].clone()).expect("URLs");
        let port = |(name, url): (&String, &String)| {
            format!("{name}={}", url.rsplit(':').next().expect("a port"))
        };
        self.ports = self.services.iter().map(port).collect();
    }

    pub(crate) fn url(&self, service: &str) -> &str {
        &self.services[service]
    }

    pub(crate) fn services(&self) -> &BTreeMap<String, String> {
        &self.services
    }

    /// `kill -9`, and a new start.
    fn kill_and_restart(&mut self) {
        let program = self.program.take().expect("a shop");
        program.signal(rustix::process::Signal::KILL);
        assert_eq!(program.wait().status.code(), None, "killed");
        self.serve();
    }
}

/// The checkout storm, and shoppers who only fill a cart: theirs must still be there, nobody orders it.
fn scenario() -> String {
    let text = fs::read_to_string("scenarios/checkout-storm.yaml").expect("the scenario");
    let journey = r#"journeys:
  - name: fill-a-cart
    weight: 4
    steps:
      - set: { product: "${popular(products)}" }
      - post: /api/cart/add
        json: { sessionId: "${session}", productId: "${product}", quantity: 1 }
        promise: { kind: cart, id: "${session}", product: "${product}" }
"#;
    let changed = text
        .replacen(
            "journeys:\n  # The way to the till",
            &format!("{journey}  # The way to the till"),
            1,
        )
        // One in two logs in or registers, so that there are accounts to look for.
        .replacen("when: chance 4%", "when: chance 50%", 1)
        .replacen("journeys: { buy: 9, look-around: 1 }", "", 1);
    assert!(changed.contains("fill-a-cart") && changed.contains("chance 50%"));
    changed
}

fn promises(folder: &Path) -> Vec<Value> {
    let text = fs::read_to_string(folder.join("orders.jsonl")).unwrap_or_default();
    let whole = text
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok());
    whole.collect()
}

#[test]
fn what_was_acknowledged_survives_twenty_kills() {
    let mut shop = OwnShop::start(&[("SHOP_ADMIN_TOKEN", ADMIN_TOKEN)]);
    let target = shop.url("gateway").to_owned();
    let run = Run::of(&scenario()).with(&[
        "--target",
        &target,
        "--set",
        "load.phases.baseline.rate=15/s",
        "--set",
        "load.phases.spike.rate=15/s",
        "--set",
        "load.phases.recovery.rate=15/s",
        "--duration",
        "30m",
    ]);
    let mut storm = run.start();
    storm.says("\"elapsed_s\"");
    let folder = run.run_folder();
    for kill in 0..KILLS {
        let before = promises(&folder).len();
        eventually("this kill's share of promises", || {
            let promises = promises(&folder);
            let enough = |(kind, least): &(&str, usize)| {
                let made = promises.iter().filter(|promise| promise["kind"] == *kind);
                made.count() * KILLS >= least * (kill + 1)
            };
            (promises.len() > before && AT_STAKE.iter().all(enough)).then_some(())
        });
        // At another moment of the shop's work each time; nothing waits for this.
        std::thread::sleep(Duration::from_millis(37 * kill as u64 % 400));
        shop.kill_and_restart();
    }
    storm.signal(rustix::process::Signal::INT);
    assert_eq!(storm.wait().code(), 130);
    assert_adds_up(&run.report());
    let promised = promises(&folder);
    let found = Audit::new(&target).look_for(&promised);
    eprintln!("{KILLS} kills, promises found: {found:?}");
    for (kind, least) in AT_STAKE {
        assert!(
            found.get(kind).is_some_and(|count| *count >= least),
            "{kind}: {found:?}"
        );
    }
}

/// Looks for what was promised, over HTTP.
struct Audit {
    runtime: tokio::runtime::Runtime,
    client: Client,
    target: String,
}

impl Audit {
    fn new(target: &str) -> Self {
        let client = Client::builder().timeout(Duration::from_secs(60)).build();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        Self {
            runtime: runtime.expect("a runtime"),
            client: client.expect("a client"),
            target: target.to_owned(),
        }
    }

    /// Counts by kind; nothing may be missing.
    fn look_for(&self, promised: &[Value]) -> BTreeMap<String, usize> {
        let mut found = BTreeMap::new();
        let mut missing = Vec::new();
        for promise in promised {
            let kind = promise["kind"].as_str().expect("a kind");
            let is_there = match kind {
                "order" => self.order(promise),
                "payment" => self.payment(promise),
                "user" => self.user(promise),
                "cart" => self.cart(promise),
                other => panic!("a promise of an unknown kind, {other}"),
            };
            match is_there {
                Ok(()) => *found.entry(kind.to_owned()).or_default() += 1,
                Err(why) => missing.push(format!("{promise}: {why}")),
            }
        }
        assert!(
            missing.is_empty(),
            "{} missing:\n{}",
            missing.len(),
            missing.join("\n")
        );
        found
    }

    fn get(&self, path: &str) -> (StatusCode, Value) {
        let request = self.client.get(format!("{}{path}", self.target));
        self.send(request.bearer_auth(ADMIN_TOKEN))
    }

    fn send(&self, request: RequestBuilder) -> (StatusCode, Value) {
        self.runtime.block_on(async {
            let response = request.send().await.expect("an answer");
            (response.status(), response.json().await.unwrap_or_default())
        })
    }

    fn order(&self, promise: &Value) -> Result<(), String> {
        let id = promise["id"].as_str().ok_or("no id")?;
        let (status, order) = self.get(&format!("/api/orders/{id}"));
        let same = (&order["id"], &order["total"]) == (&promise["id"], &promise["total"]);
        (status == StatusCode::OK && same)
            .then_some(())
            .ok_or_else(|| format!("{status} {order}"))
    }

    /// A confirmed payment takes its order out of the pending state, at the latest once the queue is worked off.
    fn payment(&self, promise: &Value) -> Result<(), String> {
        let id = promise["order"].as_str().ok_or("no order")?;
        eventually(&format!("the payment of order {id}"), || {
            let (status, order) = self.get(&format!("/api/orders/{id}"));
            (status != StatusCode::OK || order["status"] != "pending").then_some((status, order))
        });
        Ok(())
    }

    /// Nobody else can have the same address.
    fn user(&self, promise: &Value) -> Result<(), String> {
        let account =
            json!({ "email": promise["email"], "password": "another one 1", "name": "Ann" });
        let request = self
            .client
            .post(format!("{}/api/auth/register", self.target));
        let (status, _) = self.send(request.json(&account));
        (status == StatusCode::CONFLICT)
            .then_some(())
            .ok_or_else(|| format!("registered again: {status}"))
    }

    fn cart(&self, promise: &Value) -> Result<(), String> {
        let id = promise["id"].as_str().ok_or("no id")?;
        let (status, cart) = self.get(&format!("/api/cart/{id}"));
        let items = cart["items"].as_array().cloned().unwrap_or_default();
        let kept = items.iter().any(|item| {
            item["productId"].to_string().trim_matches('"')
                == promise["product"].to_string().trim_matches('"')
        });
        (status == StatusCode::OK && kept)
            .then_some(())
            .ok_or_else(|| format!("{status} {cart}"))
    }
}
