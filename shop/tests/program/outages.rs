//! An outage is told in few lines, however often it is met: of one kind of trouble in one place the first line comes at once,
//! the second a second later, and each further one after twice the time.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use test_servers::postgres::PostgresServer;
use test_servers::redis::RedisServer;
use test_servers::sqs::TestSqs;

use super::{Running, wait_for_file};

const AUDIT_TOKEN: &str = "an auditor for the length of a test";
/// Long enough that what is tried once a second would be told too often without a pause between its lines.
const OUTAGE: Duration = Duration::from_secs(8);
/// Between two rounds of requests.
const PAUSE: Duration = Duration::from_millis(20);
/// Queues with a consumer of their own.
const QUEUES: usize = 4;
/// Files of a shop with embedded stores, each with a writer of its own.
const FILES: usize = 4;
/// More than fit into some dozen batches.
const ORDERS: usize = 100;
/// How long one call of the queue may take, with its repetitions and some time to spare.
const CALL_MAX: Duration = Duration::from_secs(10);
/// Batches of that time, if one is under way at a time: three attempts of two or three seconds.
const BATCHES_MAX: usize = 6;
/// Nobody listens there.
const NOWHERE: &str = "http://127.0.0.1:1";

/// A process of the shop whose log goes to a file, and a client of it.
struct Process {
    running: Running,
    log: PathBuf,
    places: Value,
    client: Client,
}

impl Process {
    fn start(
        folder: &Path,
        name: &str,
        mut command: Command,
        variables: &[(&str, &str)],
    ) -> Process {
        let ready = folder.join(format!("{name}.json"));
        let log = folder.join(format!("{name}.log"));
        command
            .arg("--data")
            .arg(folder.join("data"))
            .arg("--ready-file")
            .arg(&ready)
            .args(["--lifeline", "--log-level", "warn"])
            .env("PASSWORD_COST", "64,1,1")
            .env("SHOP_AUDIT_TOKEN", AUDIT_TOKEN)
            .envs(variables.iter().copied())
            .stdin(Stdio::piped())
            .stdout(File::create(&log).unwrap())
            .stderr(Stdio::piped());
        let running = Running::start(&mut command);
        Process {
            running,
            log,
            places: wait_for_file(&ready),
            client: Client::new(),
        }
    }

    fn serve(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Process {
        let mut command = Command::new(env!("CARGO_BIN_EXE_shop"));
        command
            .args(["serve", "--free-ports", "--products", "50"])
            .args(arguments);
        Process::start(folder, "shop", command, variables)
    }

    async fn call(
        &self,
        service: &str,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> (StatusCode, Value) {
        let url = format!(
            "{}{path}",
            self.places["services"][service].as_str().unwrap()
        );
        let mut request = self.client.request(method, url);
        request = match body {
            Some(body) => request.json(&body),
            None => request.bearer_auth(AUDIT_TOKEN),
        };
        let response = request.send().await.unwrap();
        (response.status(), response.json().await.unwrap_or_default())
    }

    async fn post(&self, service: &str, path: &str, body: Value) -> (StatusCode, Value) {
        self.call(service, Method::POST, path, Some(body)).await
    }

    async fn look(&self, service: &str, path: &str) -> StatusCode {
        self.call(service, Method::GET, path, None).await.0
    }

    /// Ends it; its warnings and errors by their text. The lines of requests are no warnings: there is one for each.
    fn told(self) -> BTreeMap<String, usize> {
        drop(self.running.finish());
        let log = std::fs::read_to_string(self.log).unwrap();
        let mut told = BTreeMap::new();
        for line in log.lines() {
            let line: Value = serde_json::from_str(line).unwrap();
            let message = line["message"].as_str().unwrap();
            if message != "request" {
                *told.entry(message.to_owned()).or_default() += 1;
            }
        }
        told
    }
}

fn order(more: Value) -> Value {
    let mut body = json!({"items": [{"productId": 1, "quantity": 1}], "email": "ann@example.com"});
    body.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    body
}

/// Lines of one kind in one place since then, at most.
fn lines_max(since: Instant) -> usize {
    1 + (since.elapsed().as_secs_f64() + 1.0).log2().floor() as usize
}

/// Where one kind of trouble can be met in one process.
fn places(message: &str) -> usize {
    match message {
        "cannot receive"
        | "a message has to wait"
        | "a message is not finished with and will come back" => QUEUES,
        "a commit failed; its jobs did not happen" => FILES,
        _ => 1,
    }
}

/// These kinds of trouble were told, and each that was told in few lines for every place that it was met in.
fn assert_few(told: &BTreeMap<String, usize>, lines_max: usize, expected: &[&str]) {
    for message in expected {
        assert!(told.contains_key(*message), "no '{message}': {told:#?}");
    }
    for (message, lines) in told {
        let most = lines_max * places(message);
        assert!(
            *lines <= most,
            "'{message}' {lines} times, not {most}: {told:#?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_is_down_is_told_in_few_lines() {
    let folder = tempfile::tempdir().unwrap();
    let provider = [
        ("PAYMENT_PROVIDER_URL", NOWHERE),
        ("PAYMENT_PROVIDER_KEY", "any"),
    ];
    let begun = Instant::now();
    let shop = Process::serve(folder.path(), &[], &provider);
    while begun.elapsed() < OUTAGE {
        let body = order(json!({}));
        let (status, _) = shop.post("orders", "/api/orders", body).await;
        assert_eq!(status, StatusCode::CREATED);
        let intent = json!({"amount": 12.5, "currency": "USD"});
        let (status, intent) = shop
            .post("payment", "/api/payment/create-intent", intent)
            .await;
        assert_eq!(status, StatusCode::CREATED, "{intent}");
        let confirm = json!({"intentId": intent["id"], "paymentMethod": "pm_card_visa"});
        let (status, answer) = shop.post("payment", "/api/payment/confirm", confirm).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{answer}");
        let status = shop.look("payment", "/api/admin/charges").await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        tokio::time::sleep(PAUSE).await;
    }
    let told = shop.told();
    assert_few(
        &told,
        lines_max(begun),
        &[
            "a message has to wait",
            "a payment is not decided yet",
            "the provider's books cannot be read",
        ],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn stores_that_are_down_are_told_in_few_lines() {
    let folder = tempfile::tempdir().unwrap();
    let mut postgres = PostgresServer::start();
    let mut redis = RedisServer::start();
    let database = postgres.database();
    let redis_url = redis.url();
    let stores = [("DATABASE_URL", database.url()), ("REDIS_URL", &redis_url)];
    let shop = Process::serve(folder.path(), &[], &stores);
    let add = json!({"sessionId": "s", "productId": 1, "quantity": 1});
    let (status, _) = shop.post("cart", "/api/cart/add", add.clone()).await;
    assert_eq!(status, StatusCode::OK);
    let begun = Instant::now();
    postgres.stop();
    redis.kill();
    // A sweep that waits for a lost connection gives up after six seconds, and is told only then.
    while begun.elapsed() < OUTAGE + Duration::from_secs(4) {
        for (service, path, body) in [
            ("orders", "/api/orders", order(json!({}))),
            ("cart", "/api/cart/add", add.clone()),
        ] {
            let (status, answer) = shop.post(service, path, body).await;
            assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{answer}");
        }
        tokio::time::sleep(PAUSE).await;
    }
    let told = shop.told();
    assert_few(
        &told,
        lines_max(begun),
        &[
            "a store cannot answer now",
            "events stay in the outbox for now",
            "orders could not be swept",
        ],
    );
}

/// Stands between a shop and its queues; during an outage it refuses everything by itself, at once, or says nothing.
struct Gate {
    url: String,
    mode: Arc<GateMode>,
}

#[derive(Default)]
struct GateMode {
    refuses: AtomicBool,
    is_silent: AtomicBool,
    /// Batches that were sent while it was silent.
    sent: AtomicUsize,
}

impl Gate {
    fn before(sqs: &TestSqs) -> Gate {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let rest = sqs.url().strip_prefix("http://").unwrap();
        let (behind, path) = rest.split_once('/').unwrap();
        let url = format!("http://{}/{path}", listener.local_addr().unwrap());
        let mode = Arc::new(GateMode::default());
        let (behind, shared) = (behind.to_owned(), Arc::clone(&mode));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (behind, mode) = (behind.clone(), Arc::clone(&shared));
                std::thread::spawn(move || pass(stream, &behind, &mode));
            }
        });
        Gate { url, mode }
    }
}

/// One connection; its end is whatever one of the two sides makes of it.
fn pass(mut client: TcpStream, behind: &str, mode: &GateMode) {
    let mut head = vec![0; 64 * 1024];
    if mode.is_silent.load(Ordering::Relaxed) {
        let length = client.read(&mut head).unwrap_or(0);
        let is_batch = String::from_utf8_lossy(&head[..length]).contains("SendMessageBatch");
        mode.sent.fetch_add(is_batch.into(), Ordering::Relaxed);
        // Until the client gives up.
        while client.read(&mut head).is_ok_and(|length| length > 0) {}
        return;
    }
    if mode.refuses.load(Ordering::Relaxed) {
        let refusal = r#"{"__type":"AccessDenied","message":"an outage"}"#;
        let length = refusal.len();
        let _ = client.read(&mut head);
        let _ = write!(
            client,
            "HTTP/1.1 403 Forbidden\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{refusal}"
        );
        return;
    }
    let Ok(mut server) = TcpStream::connect(behind) else {
        return;
    };
    let (mut to, mut from) = (server.try_clone().unwrap(), client.try_clone().unwrap());
    let there = std::thread::spawn(move || {
        let _ = std::io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Write);
    });
    let _ = std::io::copy(&mut server, &mut client);
    let _ = client.shutdown(Shutdown::Both);
    there.join().unwrap();
}

/// What a shop that talks to SQS through a gate is told.
fn queues_behind(gate: &Gate) -> [(&'static str, &str); 4] {
    [
        ("QUEUE_URL", gate.url.as_str()),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_REGION", "us-east-1"),
    ]
}

/// A server that cannot keep up may have taken what it did not answer in time. All that waits, sent again at once and again,
/// would keep it from ever recovering.
#[tokio::test(flavor = "multi_thread")]
async fn a_queue_that_does_not_answer_is_not_flooded() {
    let folder = tempfile::tempdir().unwrap();
    let sqs = TestSqs::fresh();
    let gate = Gate::before(&sqs);
    let shop = Process::serve(folder.path(), &[], &queues_behind(&gate));
    gate.mode.is_silent.store(true, Ordering::Relaxed);
    for _ in 0..ORDERS {
        let (status, answer) = shop.post("orders", "/api/orders", order(json!({}))).await;
        assert_eq!(status, StatusCode::CREATED, "{answer}");
    }
    // The first attempts are over by then, in which everything was sent.
    tokio::time::sleep(CALL_MAX).await;
    let before = gate.mode.sent.load(Ordering::Relaxed);
    tokio::time::sleep(CALL_MAX).await;
    let sent = gate.mode.sent.load(Ordering::Relaxed) - before;
    // One batch, and its repetitions.
    assert!((1..=BATCHES_MAX).contains(&sent), "{sent} batches");
    gate.mode.is_silent.store(false, Ordering::Relaxed);
    let recovered = Instant::now();
    loop {
        let (_, state) = shop
            .call("orders", Method::GET, "/api/admin/pipeline", None)
            .await;
        if state["outbox"] == 0 {
            break;
        }
        assert!(recovered.elapsed() < super::PATIENCE, "still {state}");
        tokio::time::sleep(PAUSE).await;
    }
    drop(shop.told());
}

#[tokio::test(flavor = "multi_thread")]
async fn queues_that_are_down_are_told_in_few_lines() {
    let folder = tempfile::tempdir().unwrap();
    let sqs = TestSqs::fresh();
    let gate = Gate::before(&sqs);
    let queues = queues_behind(&gate);
    let shop = Process::serve(folder.path(), &[], &queues);
    let mut command = Command::new(env!("CARGO_BIN_EXE_shop"));
    command.args(["producer", "--every", "10ms", "--products", "50"]);
    let producer = Process::start(folder.path(), "producer", command, &queues);
    let begun = Instant::now();
    gate.mode.refuses.store(true, Ordering::Relaxed);
    while begun.elapsed() < OUTAGE {
        let (status, answer) = shop.post("orders", "/api/orders", order(json!({}))).await;
        assert_eq!(status, StatusCode::CREATED, "{answer}");
        shop.look("orders", "/api/admin/pipeline").await;
        tokio::time::sleep(PAUSE).await;
    }
    let (told, told_by_producer) = (shop.told(), producer.told());
    let lines_max = lines_max(begun);
    assert_few(
        &told,
        lines_max,
        &[
            "cannot receive",
            "events stay in the outbox for now",
            "cannot watch the queues",
            "the queues cannot be looked at",
        ],
    );
    assert_few(
        &told_by_producer,
        lines_max,
        &["an order could not be produced"],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn services_that_are_down_are_told_in_few_lines() {
    let folder = tempfile::tempdir().unwrap();
    let alone = [
        ["--service", "gateway"],
        ["--service", "cart"],
        ["--service", "orders"],
    ];
    let mut arguments = alone.concat();
    arguments.extend(["--auth-url", NOWHERE, "--payment-url", NOWHERE]);
    let begun = Instant::now();
    let shop = Process::serve(folder.path(), &arguments, &[]);
    // Its neighbour is nowhere as well.
    let other = tempfile::tempdir().unwrap();
    let orphans = ["--service", "orders", "--service", "payment"];
    let nowhere = ["--cart-url", NOWHERE];
    let orphans = Process::serve(other.path(), &[orphans.as_slice(), &nowhere].concat(), &[]);
    let third = tempfile::tempdir().unwrap();
    let cart = ["--service", "cart", "--orders-url", NOWHERE];
    let cart = Process::serve(third.path(), &cart, &[]);
    while begun.elapsed() < OUTAGE {
        let login = json!({"email": "ann@example.com", "password": "a password"});
        let (status, answer) = shop.post("gateway", "/api/auth/login", login).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{answer}");
        let body = order(json!({"cartSessionId": "s"}));
        let (status, answer) = orphans.post("orders", "/api/orders", body).await;
        assert_eq!(status, StatusCode::CREATED, "{answer}");
        let add = json!({"sessionId": "s", "productId": 1, "quantity": 1});
        let (status, answer) = cart.post("cart", "/api/cart/add", add).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{answer}");
        tokio::time::sleep(PAUSE).await;
    }
    for (process, message) in [
        (shop, "no answer from a service"),
        (orphans, "the cart of an order was not emptied"),
        (cart, "a peer failed"),
    ] {
        let told = process.told();
        assert_few(&told, lines_max(begun), &[message]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_told_in_few_lines() {
    let folder = tempfile::tempdir().unwrap();
    // Room for a small catalogue and some orders: then every write fails, as it does on a full disk, also for root.
    let full = "trap '' XFSZ; ulimit -f 2048; exec \"$0\" serve --free-ports --products 50 \"$@\"";
    let mut command = Command::new("sh");
    command.args(["-c", full, env!("CARGO_BIN_EXE_shop")]);
    // The log is a file as well: what is asked for must fit in, or its last line is cut.
    command.env("SHOP_LOG", "warn");
    let shop = Process::start(folder.path(), "shop", command, &[]);
    let mut full_since = None;
    let begun = Instant::now();
    while full_since.is_none_or(|since: Instant| since.elapsed() < OUTAGE) {
        let (status, answer) = shop.post("orders", "/api/orders", order(json!({}))).await;
        if status != StatusCode::CREATED {
            assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{answer}");
            full_since.get_or_insert_with(Instant::now);
            tokio::time::sleep(PAUSE).await;
        }
        assert!(begun.elapsed() < super::PATIENCE, "the disk does not fill");
    }
    let told = shop.told();
    assert_few(
        &told,
        lines_max(begun),
        &[
            "a commit failed; its jobs did not happen",
            "a message has to wait",
            "a store cannot answer now",
        ],
    );
}
