//! Each checkout whose trace is kept is one connected trace, from the request that came in to the mail that goes out: in
//! one process, in a process for each service, and on real servers.
//!
//! `TRACED_CHECKOUTS=200` makes that many (the tests' own number is smaller); `scripts/test --long` sets it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use test_servers::postgres::TestDatabase;
use test_servers::redis::TestRedis;
use test_servers::sqs::TestSqs;

use super::{PATIENCE, Running, shop, wait_for_file};

const CHECKOUTS_DEFAULT: u64 = 12;
/// Of so many checkouts one is not sampled.
const UNSAMPLED_EACH: u64 = 4;
/// Checkouts under way at a time.
const AT_ONCE: usize = 4;
const SERVICES: [&str; 8] = [
    "orders",
    "cart",
    "auth",
    "payment",
    "search",
    "recommendations",
    "notifications",
    "gateway",
];
/// What every trace of a checkout has, by name.
const STEPS: [&str; 15] = [
    "POST /api/orders",
    "POST",
    "order.create",
    "INSERT orders",
    "COMMIT",
    "order.publish_events",
    "PaymentService.process",
    "payment.process_external",
    "sqs.publish_downstream",
    "InventoryService.process",
    "inventory.attempt_reservation",
    "NotificationService.process",
    "notification.send_email",
    "settle payments",
    "settle notifications",
];

/// A shop whose spans go to files.
struct TracedShop {
    folder: tempfile::TempDir,
    processes: Vec<Running>,
    files: Vec<PathBuf>,
    gateway: String,
}

impl TracedShop {
    fn whole(variables: &[(&str, String)]) -> Self {
        let mut shop = Self::none();
        let told = shop.start("shop", &["--free-ports"], variables);
        shop.gateway = url(&told, "gateway");
        shop
    }

    /// A process for each service, the gateway last: it is told where the others are. They tell each other by ports that were
    /// free a moment ago.
    fn apart(variables: &[(&str, String)]) -> Self {
        let mut shop = Self::none();
        let held = SERVICES.map(|_| std::net::TcpListener::bind("127.0.0.1:0").unwrap());
        let ports = held
            .each_ref()
            .map(|held| held.local_addr().unwrap().port());
        drop(held);
        for (service, port) in SERVICES.iter().zip(ports) {
            let mut flags = vec![
                "--service".to_owned(),
                (*service).to_owned(),
                "--port".to_owned(),
                format!("{service}={port}"),
            ];
            for (other, port) in SERVICES.iter().zip(ports).take(SERVICES.len() - 1) {
                flags.extend([format!("--{other}-url"), format!("http://127.0.0.1:{port}")]);
            }
            let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
            let told = shop.start(service, &flags, variables);
            if *service == "gateway" {
                shop.gateway = url(&told, "gateway");
            }
        }
        shop
    }

    fn none() -> Self {
        TracedShop {
            folder: tempfile::tempdir().unwrap(),
            processes: Vec::new(),
            files: Vec::new(),
            gateway: String::new(),
        }
    }

    fn start(&mut self, name: &str, flags: &[&str], variables: &[(&str, String)]) -> Value {
        let folder = self.folder.path();
        let (ready, file) = (
            folder.join(format!("{name}.json")),
            folder.join(format!("{name}.jsonl")),
        );
        let mut command: Command = shop(folder, flags);
        command
            .args(["--lifeline", "--products", "50", "--log-level", "error"])
            .arg("--ready-file")
            .arg(&ready)
            .arg("--span-file")
            .arg(&file)
            .stdout(std::process::Stdio::null())
            .envs(variables.iter().map(|(name, value)| (name, value)));
        self.processes.push(Running::start(&mut command));
        self.files.push(file);
        wait_for_file(&ready)
    }

    fn spans(&self) -> Vec<Value> {
        self.files.iter().flat_map(|file| read(file)).collect()
    }

    /// Waits until so many mails were sent, then ends the shop, and gives what it has recorded.
    fn finish(mut self, mails: usize) -> Vec<Value> {
        let deadline = Instant::now() + PATIENCE;
        let sent = |spans: &[Value]| {
            let mails = spans
                .iter()
                .filter(|span| span["name"] == "settle notifications");
            mails.count()
        };
        while sent(&self.spans()) < mails {
            assert!(
                Instant::now() < deadline,
                "{} of {mails} mails",
                sent(&self.spans())
            );
            std::thread::sleep(Duration::from_millis(100));
        }
        for process in self.processes.drain(..) {
            assert!(process.finish().status.success());
        }
        self.spans()
    }
}

fn url(told: &Value, service: &str) -> String {
    told["services"][service].as_str().unwrap().to_owned()
}

/// The whole lines of a file of spans.
fn read(file: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(file).unwrap();
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    whole
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn checkouts() -> u64 {
    std::env::var("TRACED_CHECKOUTS").map_or(CHECKOUTS_DEFAULT, |text| text.parse().unwrap())
}

fn is_sampled(number: u64) -> bool {
    !number.is_multiple_of(UNSAMPLED_EACH)
}

/// The ids that a browser sends with a checkout.
fn ids(number: u64) -> (String, String) {
    let trace = 0x1000_0000_0000_0000 + number;
    let span = 0x2000_0000_0000_0000 + number;
    (format!("{trace:032x}"), format!("{span:016x}"))
}

/// One checkout, with the headers of a browser under RUM.
async fn check_out(client: &Client, gateway: &str, number: u64) {
    let (trace, span) = ids(number);
    let sampled = u8::from(is_sampled(number));
    let session = format!("session-{number}");
    let cart = json!({"sessionId": session, "productId": 1 + number % 50, "quantity": 1});
    let added = client.post(format!("{gateway}/api/cart/add")).json(&cart);
    assert_eq!(added.send().await.unwrap().status(), StatusCode::OK);
    let order = json!({
        "items": [{"productId": 1 + number % 50, "quantity": 1}],
        "email": "ann@example.com",
        "cartSessionId": session,
    });
    let request = client
        .post(format!("{gateway}/api/orders"))
        .header("traceparent", format!("00-{trace}-{span}-0{sampled}"))
        .header("tracestate", format!("dd=s:{sampled};o:rum"))
        .json(&order);
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), StatusCode::CREATED);
}

async fn check_out_all(gateway: &str) {
    let client = Client::new();
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..checkouts() {
        if tasks.len() == AT_ONCE {
            tasks.join_next().await.unwrap().unwrap();
        }
        let (client, gateway) = (client.clone(), gateway.to_owned());
        tasks.spawn(async move { check_out(&client, &gateway, number).await });
    }
    tasks.join_all().await;
}

/// Checkouts on a shop; each that is sampled is one tree, and no other leaves anything.
async fn traced(shop: TracedShop, systems: &[&str]) {
    check_out_all(&shop.gateway).await;
    let sampled = (0..checkouts())
        .filter(|number| is_sampled(*number))
        .count();
    let spans = shop.finish(sampled);
    let mut traces: HashMap<&str, Vec<&Value>> = HashMap::new();
    for span in &spans {
        let trace = span["trace_id"].as_str().unwrap();
        traces.entry(trace).or_default().push(span);
    }
    for number in 0..checkouts() {
        let (trace, sent) = ids(number);
        match traces.get(trace.as_str()) {
            Some(spans) => {
                assert!(is_sampled(number), "nobody wanted this: {spans:#?}");
                assert_whole(spans, &sent, systems);
            }
            None => assert!(!is_sampled(number), "{trace} left nothing"),
        }
    }
}

fn assert_whole(spans: &[&Value], sent: &str, systems: &[&str]) {
    let text = |span: &Value, name: &str| span[name].as_str().unwrap_or_default().to_owned();
    let by_id: BTreeMap<String, &Value> = spans
        .iter()
        .map(|span| (text(span, "span_id"), *span))
        .collect();
    assert_eq!(by_id.len(), spans.len(), "each span once");
    let is_entry = |span: &&&Value| span["parent_id"] == sent;
    let entries: Vec<_> = spans.iter().filter(is_entry).collect();
    let [entry] = entries[..] else {
        panic!("one span takes the request: {entries:#?}");
    };
    assert_eq!(entry["service"], "rum-shop-gateway");
    for span in spans.iter().filter(|span| !is_entry(span)) {
        assert!(
            by_id.contains_key(&text(span, "parent_id")),
            "an orphan: {span:#}"
        );
        if span["kind"] == "consumer" {
            let producer = by_id[&text(span, "parent_id")];
            assert_eq!(producer["kind"], "producer", "{span:#}");
            assert_eq!(span["links"][0]["span_id"], producer["span_id"], "{span:#}");
        }
    }
    let names: HashSet<String> = spans.iter().map(|span| text(span, "name")).collect();
    for step in STEPS {
        assert!(names.contains(step), "no {step} among {names:?}");
    }
    for system in systems {
        let seen = spans.iter().any(|span| {
            let attributes = &span["attributes"];
            attributes["db.system.name"] == *system
                && attributes["db.system"] == *system
                && attributes["db.query.text"] == attributes["db.statement"]
        });
        assert!(seen, "no statement on {system}: {names:?}");
    }
    let failed = spans
        .iter()
        .find(|span| span["attributes"]["error.type"].is_string());
    assert_eq!(failed, None);
}

/// Real servers, and what tells the shop of them.
struct Servers {
    _database: TestDatabase,
    _redis: TestRedis,
    _sqs: TestSqs,
    variables: Vec<(&'static str, String)>,
}

fn servers() -> Servers {
    let (database, redis, sqs) = (TestDatabase::fresh(), TestRedis::fresh(), TestSqs::fresh());
    let variables = vec![
        ("DATABASE_URL", database.url().to_owned()),
        ("REDIS_URL", redis.url().to_owned()),
        ("REDIS_KEY_PREFIX", redis.prefix().to_owned()),
        ("QUEUE_URL", sqs.url().to_owned()),
        ("AWS_ACCESS_KEY_ID", "test".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "test".to_owned()),
        ("AWS_REGION", "us-east-1".to_owned()),
    ];
    Servers {
        _database: database,
        _redis: redis,
        _sqs: sqs,
        variables,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkout_is_one_trace_in_one_process() {
    traced(TracedShop::whole(&[]), &["sqlite"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkout_is_one_trace_across_processes() {
    traced(TracedShop::apart(&[]), &["sqlite"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkout_is_one_trace_on_real_servers() {
    let servers = servers();
    traced(
        TracedShop::whole(&servers.variables),
        &["postgresql", "redis"],
    )
    .await;
}
