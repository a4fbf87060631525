//! The log of a shop: lines that find their trace, and no secrets in it or in anything else that is observed.

use std::collections::{HashMap, HashSet};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use reqwest::{Client, RequestBuilder, StatusCode};
use serde_json::{Value, json};

use super::{Running, shop, wait_for_file};

const PASSWORD: &str = "correct horse battery 93571";
const WRONG_PASSWORD: &str = "incorrect horse battery 93572";
const CARD: &str = "4242424242424242";
const BAD_CARD: &str = "4000000000009995";
const IDEMPOTENCY_KEY: &str = "key-5b0c1b6e-once-and-never-seen";
const IDEMPOTENCY_SECRET: &str = "secret-of-a-guest-77310";
const JWT_SECRET: &str = "signs-every-token-of-this-test-4711";
/// Requests of each kind.
const ROUNDS: u64 = 10;

struct LoggedShop {
    _folder: tempfile::TempDir,
    running: Running,
    log: PathBuf,
    spans: PathBuf,
    urls: HashMap<String, String>,
    client: Client,
}

/// What a shop has left behind.
struct Left {
    log: String,
    lines: Vec<Value>,
    spans: String,
    stdout: String,
    metrics: String,
}

impl LoggedShop {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let [ready, log, spans] =
            ["ready.json", "shop.log", "spans.jsonl"].map(|name| folder.path().join(name));
        let flags = ["--free-ports", "--lifeline", "--products", "50"];
        let mut command = shop(folder.path(), &flags);
        command
            .arg("--ready-file")
            .arg(&ready)
            .arg("--log-file")
            .arg(&log)
            .arg("--span-file")
            .arg(&spans)
            .env("JWT_SECRET", JWT_SECRET);
        let running = Running::start(&mut command);
        let told = wait_for_file(&ready);
        let services = told["services"].as_object().unwrap().iter();
        LoggedShop {
            urls: services
                .map(|(name, url)| (name.clone(), url.as_str().unwrap().to_owned()))
                .collect(),
            _folder: folder,
            running,
            log,
            spans,
            client: Client::new(),
        }
    }

    fn post(&self, path: &str, body: &Value) -> RequestBuilder {
        let url = format!("{}{path}", self.urls["gateway"]);
        self.client.post(url).json(body)
    }

    async fn finish(self) -> Left {
        let mut metrics = String::new();
        for url in self.urls.values() {
            let page = self.client.get(format!("{url}/metrics")).send().await;
            metrics.push_str(&page.unwrap().text().await.unwrap());
        }
        let ended = self.running.finish();
        assert!(ended.status.success());
        let mode = std::fs::metadata(&self.log).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "for its owner alone");
        let log = std::fs::read_to_string(&self.log).unwrap();
        Left {
            lines: log
                .lines()
                .map(|line| serde_json::from_str(line).expect("every line is JSON"))
                .collect(),
            log,
            spans: std::fs::read_to_string(&self.spans).unwrap(),
            stdout: String::from_utf8(ended.stdout).unwrap(),
            metrics,
        }
    }
}

async fn answer(request: RequestBuilder, status: StatusCode) -> Value {
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), status);
    response.json().await.unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_request_line_finds_its_trace() {
    let shop = LoggedShop::start();
    for number in 0..ROUNDS * 2 {
        let sampled = number % 2;
        let trace = format!("00-{:032x}-{:016x}-0{sampled}", number + 1, number + 1);
        let url = format!("{}/api/products/{}", shop.urls["gateway"], 1 + number);
        let request = shop.client.get(url).header("traceparent", trace);
        let request = request.header("x-correlation-id", "follow-me");
        answer(request, StatusCode::OK).await;
    }
    let left = shop.finish().await;
    assert!(
        left.stdout.contains(&left.log),
        "the file has what stdout has"
    );
    let spans: Vec<Value> = left
        .spans
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let decimal = |span: &Value, name: &str| {
        let hex = span[name].as_str().unwrap();
        u64::from_str_radix(&hex[hex.len() - 16..], 16)
            .unwrap()
            .to_string()
    };
    let seen: HashSet<(String, String)> = spans
        .iter()
        .map(|span| (decimal(span, "trace_id"), decimal(span, "span_id")))
        .collect();
    let of_requests =
        |line: &&Value| line["message"] == "request" && line["correlation_id"] == "follow-me";
    let lines: Vec<&Value> = left.lines.iter().filter(of_requests).collect();
    assert!(
        lines.len() as u64 >= ROUNDS * 4,
        "gateway and orders: {}",
        lines.len()
    );
    for line in lines {
        for name in [
            "timestamp",
            "level",
            "status",
            "service",
            "dd.env",
            "dd.version",
        ] {
            assert!(line[name].is_string(), "{name}: {line}");
        }
        assert_eq!(line["service"], line["dd.service"]);
        assert!(
            line["duration_ms"].is_number() && line["http.route"].is_string(),
            "{line}"
        );
        let text = |name: &str| line[name].as_str().unwrap().to_owned();
        let ids = (text("dd.trace_id"), text("dd.span_id"));
        let number: u64 = ids.0.parse().unwrap();
        let is_sampled = number.is_multiple_of(2);
        assert_eq!(seen.contains(&ids), is_sampled, "{line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_observed_anywhere() {
    let shop = LoggedShop::start();
    let mut secrets: Vec<String> = [
        PASSWORD,
        WRONG_PASSWORD,
        CARD,
        BAD_CARD,
        IDEMPOTENCY_KEY,
        IDEMPOTENCY_SECRET,
        JWT_SECRET,
    ]
    .map(str::to_owned)
    .into();
    for number in 0..ROUNDS {
        let email = format!("ann{number}@example.com");
        let new = json!({"email": email, "password": PASSWORD, "name": "Ann"});
        answer(shop.post("/api/auth/register", &new), StatusCode::CREATED).await;
        let known = json!({"email": email, "password": PASSWORD});
        let session = answer(shop.post("/api/auth/login", &known), StatusCode::OK).await;
        let token = session["token"].as_str().unwrap().to_owned();
        let unknown = json!({"email": email, "password": WRONG_PASSWORD});
        answer(
            shop.post("/api/auth/login", &unknown),
            StatusCode::UNAUTHORIZED,
        )
        .await;
        let order = json!({
            "items": [{"productId": 1 + number, "quantity": 1}],
            "email": email,
            "payment": "intent",
        });
        let request = shop.post("/api/orders", &order);
        let request = request
            .bearer_auth(&token)
            .header("idempotency-key", format!("{IDEMPOTENCY_KEY}{number}"))
            .header("idempotency-secret", IDEMPOTENCY_SECRET);
        let order = answer(request, StatusCode::CREATED).await;
        let wanted = json!({"orderId": order["id"]});
        for (card, status) in [
            (BAD_CARD, StatusCode::PAYMENT_REQUIRED),
            (CARD, StatusCode::OK),
        ] {
            let request = shop.post("/api/payment/create-intent", &wanted);
            let intent = answer(request.bearer_auth(&token), StatusCode::CREATED).await;
            secrets.extend(intent["clientSecret"].as_str().map(str::to_owned));
            let method = json!({"type": "card", "number": card, "expMonth": 12, "expYear": 2090, "cvc": "917"});
            let confirm = json!({"intentId": intent["id"], "paymentMethod": method});
            let request = shop.post("/api/payment/confirm", &confirm);
            answer(request.bearer_auth(&token), status).await;
        }
        // What cannot be read is refused, and told to nobody either.
        let torn = format!("{{\"password\": \"{PASSWORD}\", \"number\": \"{CARD}\"");
        let url = format!("{}/api/auth/login?token={token}", shop.urls["gateway"]);
        let request = shop
            .client
            .post(url)
            .header("content-type", "application/json");
        answer(request.body(torn), StatusCode::BAD_REQUEST).await;
        secrets.push(token);
    }
    let left = shop.finish().await;
    let request_lines = left
        .lines
        .iter()
        .filter(|line| line["message"] == "request");
    assert!(request_lines.count() as u64 > ROUNDS * 7);
    for (name, text) in [
        ("log", &left.log),
        ("standard output", &left.stdout),
        ("spans", &left.spans),
        ("metrics", &left.metrics),
    ] {
        for secret in &secrets {
            assert!(
                !text.contains(secret.as_str()),
                "{secret} stands in the {name}"
            );
        }
    }
}

#[test]
fn a_log_file_that_cannot_be_written_is_told_with_its_flag() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("none").join("shop.log");
    let flags = ["--free-ports", "--log-file", file.to_str().unwrap()];
    let output = Running::start(&mut shop(folder.path(), &flags)).finish();
    assert!(!output.status.success());
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(
        text.contains("--log-file") && text.contains("shop.log"),
        "{text}"
    );
}
