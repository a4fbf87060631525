//! Parts of the shop as processes of their own: workers, the producer, the providers, and what looks after dead letters.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use shop::db::Durability;
use shop::queue::embedded::EmbeddedQueue;
use shop::queue::{Outgoing, Queue, Topic};

use super::{PATIENCE, Running, tool, wait_for_file};

const AUDIT_TOKEN: &str = "an auditor for the length of a test";
const PROVIDER_KEY: &str = "sk_test_never_to_be_seen";
const WEBHOOK_SECRET: &str = "whsec_of_the_test";
/// How long the provider stays away.
const OUTAGE: Duration = Duration::from_secs(3);

/// A folder with processes on it, and calls to those that listen.
struct Site {
    folder: tempfile::TempDir,
    client: Client,
}

impl Site {
    fn new() -> Self {
        Site {
            folder: tempfile::tempdir().unwrap(),
            client: Client::new(),
        }
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Starts `shop COMMAND …` and returns it with what its ready file tells.
    fn start(
        &self,
        name: &str,
        arguments: &[&str],
        variables: &[(&str, &str)],
    ) -> (Running, Value) {
        let ready = self.folder.path().join(format!("{name}.json"));
        let _ = std::fs::remove_file(&ready);
        let mut command = Command::new(env!("CARGO_BIN_EXE_shop"));
        command
            .args(arguments)
            .arg("--ready-file")
            .arg(&ready)
            .args(["--lifeline", "--log-level", "warn"])
            .env("PASSWORD_COST", "64,1,1")
            .env("SHOP_AUDIT_TOKEN", AUDIT_TOKEN)
            .env("WEBHOOK_SECRET", WEBHOOK_SECRET)
            .envs(variables.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let running = Running::start(&mut command);
        let told = wait_for_file(&ready);
        (running, told)
    }

    fn serve(&self, more: &[&str], variables: &[(&str, &str)]) -> (Running, Value) {
        let data = self.data();
        let data = data.to_str().unwrap();
        let mut arguments = vec!["serve", "--free-ports", "--products", "50", "--data", data];
        arguments.extend(more);
        self.start("shop", &arguments, variables)
    }

    fn provider(&self, port: u16, more: &[&str]) -> (Running, Value) {
        let books = self.folder.path().join("books");
        let port = port.to_string();
        let mut arguments = vec![
            "provider",
            "--port",
            &port,
            "--data",
            books.to_str().unwrap(),
        ];
        arguments.extend(["--payment-latency", "1ms", "--mail-latency", "1ms"]);
        arguments.extend(more);
        self.start(
            "provider",
            &arguments,
            &[("PAYMENT_PROVIDER_KEY", PROVIDER_KEY)],
        )
    }

    async fn call(&self, method: Method, url: String, body: Option<Value>) -> Value {
        let mut request = self.client.request(method, &url).bearer_auth(AUDIT_TOKEN);
        if let Some(body) = body {
            request = self.client.post(&url).json(&body);
        }
        let response = request.send().await.unwrap();
        assert!(
            response.status().is_success(),
            "{url}: {}",
            response.status()
        );
        response.json().await.unwrap()
    }

    async fn book(&self, service: &str, name: &str) -> Vec<Value> {
        let url = format!("{service}/api/admin/{name}?limit=500");
        let book = self.call(Method::GET, url, None).await;
        book[name].as_array().unwrap().clone()
    }

    /// Waits until the orders' book is as wanted.
    async fn orders_when(&self, service: &str, wanted: impl Fn(&[Value]) -> bool) -> Vec<Value> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let orders = self.book(service, "orders").await;
            if wanted(&orders) {
                return orders;
            }
            assert!(Instant::now() < deadline, "still {orders:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

fn url<'a>(told: &'a Value, service: &str) -> &'a str {
    told["services"][service].as_str().unwrap()
}

fn all(status: &'static str) -> impl Fn(&[Value]) -> bool {
    move |orders| orders.iter().all(|order| order["status"] == status)
}

/// A port that nobody listens on now.
fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_are_produced_stored_and_finished_by_processes_of_their_own() {
    let site = Site::new();
    let (shop, told) = site.serve(&["--without-consumers"], &[]);
    let orders = url(&told, "orders");
    let data = site.data();
    let data = data.to_str().unwrap();
    let produce = || {
        let flags = [
            "producer",
            "--every",
            "10ms",
            "--count",
            "12",
            "--seed",
            "7",
            "--products",
            "50",
        ];
        tool(&flags, Path::new(data))
    };
    assert!(produce().status.success());
    let worker = |name: &str, flags: &[&str]| {
        let notifications = url(&told, "notifications");
        let mut arguments = vec!["worker", "--data", data, "--products", "50"];
        arguments.extend(["--notifications-url", notifications]);
        arguments.extend(flags);
        site.start(name, &arguments, &[]).0
    };
    let intake = worker("intake", &[]);
    let stored = site.orders_when(orders, |orders| orders.len() == 12).await;
    // Nobody works on them yet: the queue worker only stores.
    assert!(all("pending")(&stored), "{stored:?}");
    // The same orders again, and a second worker beside the first: still stored once.
    assert!(produce().status.success());
    let second = worker("second", &["--queues", "orders"]);
    let rest = worker(
        "rest",
        &["--queues", "relay,payments,inventory,notifications"],
    );
    let finished = site.orders_when(orders, all("reserved")).await;
    assert_eq!(finished.len(), 12);
    for process in [intake, second, rest, shop] {
        let ended = process.finish();
        assert!(ended.status.success());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_goes_away_delays_orders_and_charges_each_once() {
    let site = Site::new();
    let port = free_port();
    let (provider, _) = site.provider(port, &[]);
    let provider_url = format!("http://127.0.0.1:{port}");
    let (shop, told) = site.serve(
        &[],
        &[
            ("PAYMENT_PROVIDER_URL", provider_url.as_str()),
            ("PAYMENT_PROVIDER_KEY", PROVIDER_KEY),
            ("MAIL_PROVIDER_URL", provider_url.as_str()),
            ("MAIL_PROVIDER_KEY", "any"),
            ("MAIL_FROM", "shop@example.com"),
        ],
    );
    let orders = url(&told, "orders");
    let order = || {
        let body = json!({"items": [{"productId": 1, "quantity": 1}], "email": "ann@example.com"});
        site.call(Method::POST, format!("{orders}/api/orders"), Some(body))
    };
    for _ in 0..5 {
        order().await;
    }
    site.orders_when(orders, all("reserved")).await;
    // Killed at once, as a crash would.
    drop(provider);
    for _ in 0..5 {
        order().await;
    }
    tokio::time::sleep(OUTAGE).await;
    let waiting = site.book(orders, "orders").await;
    assert!(waiting.iter().any(|order| order["status"] == "pending"));
    let (provider, _) = site.provider(port, &[]);
    let finished = site.orders_when(orders, all("reserved")).await;
    let charges = site.book(url(&told, "payment"), "charges").await;
    assert_eq!((finished.len(), charges.len()), (10, 10));
    for order in &finished {
        let mine = charges
            .iter()
            .filter(|charge| charge["orderId"] == order["id"]);
        assert_eq!(mine.count(), 1, "{order}");
    }
    for process in [shop, provider] {
        let ended = process.finish();
        assert!(ended.status.success());
        let said = [ended.stdout, ended.stderr].concat();
        assert!(!String::from_utf8_lossy(&said).contains(PROVIDER_KEY));
    }
}

/// A connection to a port, with this sent on it.
fn connection(port: u16, sent: &str) -> TcpStream {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(sent.as_bytes()).unwrap();
    stream
}

#[test]
fn a_provider_that_ends_waits_for_requests_and_not_for_connections() {
    let site = Site::new();
    let port = free_port();
    let (provider, _) = site.provider(port, &[]);
    let silent = connection(port, "");
    let half_a_head = connection(port, "GET /health HTTP/1.1\r\nhost: ");
    let mut kept = connection(port, "GET /health HTTP/1.1\r\nhost: provider\r\n\r\n");
    let mut begun = [0; 64 * 1024];
    assert!(kept.read(&mut begun).unwrap() > 0);
    let body = "amount=1250&currency=usd&confirm=true&payment_method=pm_card_visa";
    let mut asked = connection(
        port,
        &format!(
            "POST /v1/payment_intents HTTP/1.1\r\nhost: provider\r\nauthorization: Bearer {PROVIDER_KEY}\r\n\
             idempotency-key: one\r\ncontent-type: application/x-www-form-urlencoded\r\n\
             content-length: {}\r\nexpect: 100-continue\r\n\r\n",
            body.len()
        ),
    );
    // It waits for the body by now.
    let go_ahead = asked.read(&mut begun).unwrap();
    assert!(begun[..go_ahead].starts_with(b"HTTP/1.1 100"));
    let ending = std::thread::spawn(move || provider.finish());
    // Whoever asked for nothing is let go at once, while the request is still under way.
    for mut idle in [silent, half_a_head, kept] {
        assert_eq!(idle.read(&mut begun).unwrap_or(0), 0);
    }
    assert!(!ending.is_finished(), "it waits for the request");
    asked.write_all(body.as_bytes()).unwrap();
    let mut answer = String::new();
    asked.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let ended = ending.join().unwrap();
    assert!(ended.status.success());
    let log = String::from_utf8(ended.stdout).unwrap();
    assert!(!log.contains("cut off"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_settles_what_nobody_heard_the_answer_of() {
    let site = Site::new();
    let (port, gateway) = (free_port(), free_port());
    let webhook = format!("http://127.0.0.1:{gateway}/api/payment/webhook");
    let (provider, _) = site.provider(port, &["--webhook-url", &webhook]);
    let provider_url = format!("http://127.0.0.1:{port}");
    let variables = [
        ("PAYMENT_PROVIDER_URL", provider_url.as_str()),
        ("PAYMENT_PROVIDER_KEY", PROVIDER_KEY),
    ];
    let door = format!("gateway={gateway}");
    let (shop, told) = site.serve(&["--port", &door], &variables);
    let door = url(&told, "gateway").to_owned();
    let body = json!({"items": [{"productId": 1, "quantity": 1}], "payment": "intent"});
    let order = site
        .call(Method::POST, format!("{door}/api/orders"), Some(body))
        .await;
    let intent = site
        .client
        .post(format!("{door}/api/payment/create-intent"))
        .bearer_auth(order["accessToken"].as_str().unwrap())
        .json(&json!({"orderId": order["id"]}))
        .send()
        .await
        .unwrap();
    assert_eq!(intent.status(), StatusCode::CREATED);
    let intent: Value = intent.json().await.unwrap();
    // What the shop would have sent, had it not been cut off: the shop never sees this answer.
    let key = format!("intent:{}", intent["id"].as_str().unwrap());
    let amount = order["total"].as_f64().unwrap() * 100.0;
    let charged = site
        .client
        .post(format!("{provider_url}/v1/payment_intents"))
        .bearer_auth(PROVIDER_KEY)
        .header("idempotency-key", &key)
        .form(&[
            ("amount", format!("{amount:.0}")),
            ("currency", "usd".to_owned()),
            ("confirm", "true".to_owned()),
            ("payment_method", "pm_card_visa".to_owned()),
        ])
        .send()
        .await
        .unwrap();
    assert_eq!(charged.status(), StatusCode::OK);
    site.orders_when(url(&told, "orders"), all("reserved"))
        .await;
    drop(provider.finish());
    drop(shop.finish());
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_are_shown_redriven_one_by_one_and_purged_on_demand() {
    let site = Site::new();
    std::fs::create_dir_all(site.data()).unwrap();
    let file = site.data().join("queue.db");
    let queue = EmbeddedQueue::open(&file, Durability::Process).unwrap();
    let letters: Vec<Outgoing> = (0..3)
        .map(|number| Outgoing {
            body: format!("no event, number {number}"),
            attributes: [
                ("correlationId".to_owned(), format!("order-{number}")),
                (
                    "traceparent".to_owned(),
                    "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned(),
                ),
            ]
            .into(),
            delay: Duration::ZERO,
        })
        .collect();
    queue
        .send(Topic::Payments.dead_letters(), &letters)
        .await
        .unwrap();
    let run = |arguments: &[&str]| {
        let mut whole = vec!["dlq"];
        whole.extend(arguments);
        let output = tool(&whole, &site.data());
        let text = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(text).unwrap())
    };
    let (_, listed) = run(&["list"]);
    let payments = listed.lines().find(|line| line.starts_with("payments"));
    let figures: Vec<&str> = payments.unwrap().split_whitespace().collect();
    assert_eq!((figures[1], figures[4]), ("0", "3"), "{listed}");

    let (_, shown) = run(&["show", "payments", "--max", "2"]);
    let shown: Vec<Value> = shown
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(shown.len(), 2);
    assert_eq!(shown[1]["correlationId"], "order-1");
    assert_eq!(shown[1]["traceId"], "0af7651916cd43dd8448eb211c80319c");
    assert!(shown[1]["reason"].as_str().unwrap().contains("no event"));

    let id = shown[1]["id"].as_str().unwrap();
    assert_eq!(
        run(&["redrive", "payments", "--id", id]),
        (true, "1 put back\n".to_owned())
    );
    let (done, said) = run(&["redrive", "payments", "--id", "nobody"]);
    assert!(!done && said.contains("dlq show"), "{said}");
    let back = queue.peek(Topic::Payments.queue(), 10).await.unwrap();
    assert_eq!(back.len(), 1);
    assert_eq!(back[0].body, "no event, number 1");
    assert_eq!(
        run(&["redrive", "payments", "--max", "1"]),
        (true, "1 put back\n".to_owned())
    );

    let (done, said) = run(&["purge", "payments"]);
    assert!(
        !done && said.contains("--yes") && said.contains('1'),
        "{said}"
    );
    assert_eq!(
        run(&["purge", "payments", "--yes"]),
        (true, "1 deleted\n".to_owned())
    );
    let dead = queue.depth(Topic::Payments.dead_letters()).await.unwrap();
    assert_eq!(dead.total(), 0);
    queue.close();
}
