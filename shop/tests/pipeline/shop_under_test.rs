//! A running shop on free ports and a private folder, and the calls that tests make to it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use shop::backends::Backends;
use shop::config::Config;
use shop::config::PipelineSettings;
use shop::fault::{self, Armed, Given};
use shop::provider::simulated::SimulatedProviders;
use shop::queue::Queue;
use shop::secret::Secret;
use shop::{RunningShop, Service, Shop};
use tempfile::TempDir;
use test_servers::postgres::TestDatabase;
use test_servers::redis::TestRedis;

const ADMIN_TOKEN: &str = "admin-token-of-the-tests";
/// Long enough for a loaded machine; a healthy run never waits that long.
const PATIENCE: Duration = Duration::from_secs(60);
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// A shop, its folder and a client.
pub(crate) struct TestShop {
    shop: Option<RunningShop>,
    folder: TempDir,
    database: Option<TestDatabase>,
    redis: Option<TestRedis>,
    client: Client,
    settings: PipelineSettings,
    servers: Servers,
}

/// What a shop uses instead of its embedded parts; the servers end with their guards.
#[derive(Default)]
pub(crate) struct Servers {
    pub(crate) backends: Backends,
    #[expect(dead_code, reason = "held until the shop is gone")]
    pub(crate) guards: Vec<Box<dyn std::any::Any + Send + Sync>>,
}

/// PipelineSettings under which tests are quick.
pub(crate) fn quick() -> PipelineSettings {
    PipelineSettings {
        payment_latency: Duration::from_millis(1),
        mail_latency: Duration::from_millis(1),
        redrive_after: Duration::from_secs(1),
        ..PipelineSettings::default()
    }
}

impl TestShop {
    pub(crate) async fn start(settings: PipelineSettings) -> Self {
        Self::start_on(Servers::default(), settings).await
    }

    pub(crate) async fn start_on(servers: Servers, settings: PipelineSettings) -> Self {
        let mut test = TestShop {
            shop: None,
            folder: tempfile::tempdir().expect("a folder"),
            database: TestDatabase::if_asked_for(),
            // A test that brings its own is about just that one.
            redis: TestRedis::if_asked_for().filter(|_| servers.backends.redis_url.is_none()),
            client: Client::new(),
            settings,
            servers,
        };
        test.restart().await;
        test
    }

    /// Stops the shop, if it runs, and starts it on the same folder.
    pub(crate) async fn restart(&mut self) {
        if let Some(shop) = self.shop.take() {
            shop.shutdown().await;
        }
        let mut config = Config::new(self.folder.path()).with_free_ports();
        config.products = 200;
        config.backends = self.servers.backends.clone();
        let url = self.database.as_ref().map(|database| database.url());
        config.backends.database_url = url.map(Secret::new);
        if let Some(redis) = &self.redis {
            config.backends.redis_url = Some(Secret::new(redis.url()));
            config.backends.redis_key_prefix = Some(redis.prefix().to_owned());
        }
        config.admin_token = Some(Secret::new(ADMIN_TOKEN));
        config.webhook_secret = Some(Secret::new("whsec_tests"));
        config.pipeline = self.settings.clone();
        // The tests log nobody in; hashing for the demo account should not slow them down.
        config.password_cost.memory_kib = 64;
        config.password_cost.passes = 1;
        self.shop = Some(Shop::start(config).await.expect("the shop starts"));
    }

    pub(crate) async fn stop(mut self) {
        if let Some(shop) = self.shop.take() {
            shop.shutdown().await;
        }
    }

    fn shop(&self) -> &RunningShop {
        self.shop.as_ref().expect("the shop runs")
    }

    pub(crate) fn world(&self) -> Arc<SimulatedProviders> {
        let simulated = self.shop().simulated_providers();
        simulated.cloned().expect("the simulated world")
    }

    /// A fault, as long as the handle lives.
    pub(crate) fn fault(&self, name: &str) -> Armed {
        let faults = &self.shop().context().faults;
        fault::install(name, faults, &Given::default()).expect("armed")
    }

    pub(crate) fn queue(&self) -> Arc<dyn Queue> {
        self.shop().context().resources.queue.clone()
    }

    fn request(&self, service: Service, method: Method, path: &str) -> reqwest::RequestBuilder {
        let url = format!("{}{path}", self.shop().url(service).expect("runs"));
        self.client.request(method, url).bearer_auth(ADMIN_TOKEN)
    }

    /// Calls a service as the administrator.
    pub(crate) async fn call(
        &self,
        service: Service,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> (StatusCode, Value) {
        let mut request = self.request(service, method, path);
        if let Some(body) = body {
            request = request.json(&body);
        }
        answer(request).await
    }

    /// Sends a webhook with a signature header.
    pub(crate) async fn webhook(&self, signature: &str, body: &str) -> (StatusCode, Value) {
        let base = self.shop().url(Service::Payment).expect("runs");
        let request = self
            .client
            .post(format!("{base}/api/payment/webhook"))
            .header("Webhook-Signature", signature)
            .header("Content-Type", "application/json")
            .body(body.to_owned());
        answer(request).await
    }

    pub(crate) async fn post(
        &self,
        service: Service,
        path: &str,
        body: Value,
    ) -> (StatusCode, Value) {
        self.call(service, Method::POST, path, Some(body)).await
    }

    /// Orders as a client does that heeds the shop: told that it is too busy for now, it tries again with the same key, which
    /// makes one order at most.
    pub(crate) async fn buy(&self, key: &str, body: &Value) -> (StatusCode, Value) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let request = self.request(Service::Orders, Method::POST, "/api/orders");
            let request = request.header("Idempotency-Key", key).json(body);
            let (status, answered) = answer(request).await;
            if status != StatusCode::SERVICE_UNAVAILABLE {
                return (status, answered);
            }
            assert!(Instant::now() < deadline, "still {answered}");
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }

    /// Makes an order of one product; returns its id.
    pub(crate) async fn order(&self, product_id: i64, quantity: u32, payment: &str) -> String {
        let body = json!({
            "items": [{"productId": product_id, "quantity": quantity}],
            "email": "ann@example.com",
            "payment": payment,
        });
        let (status, order) = self.post(Service::Orders, "/api/orders", body).await;
        assert_eq!(status, StatusCode::CREATED, "{order}");
        text(&order, "id")
    }

    pub(crate) async fn order_now(&self, id: &str) -> Value {
        let path = format!("/api/orders/{id}");
        let (status, order) = self.call(Service::Orders, Method::GET, &path, None).await;
        assert_eq!(status, StatusCode::OK, "{order}");
        order
    }

    /// Waits until the order satisfies `wanted`.
    pub(crate) async fn order_when(&self, id: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let order = self.order_now(id).await;
            if wanted(&order) {
                return order;
            }
            assert!(Instant::now() < deadline, "still {order}");
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }

    pub(crate) async fn order_in(&self, id: &str, status: &str) -> Value {
        self.order_when(id, |order| order["status"] == status).await
    }

    /// Waits until `done` says so.
    pub(crate) async fn wait_until<F: Future<Output = bool>>(
        &self,
        what: &str,
        done: impl Fn() -> F,
    ) {
        let deadline = Instant::now() + PATIENCE;
        while !done().await {
            assert!(Instant::now() < deadline, "in vain: {what}");
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }

    pub(crate) async fn stock(&self, product_id: i64) -> i64 {
        let path = format!("/api/products/{product_id}");
        let (_, product) = self.call(Service::Orders, Method::GET, &path, None).await;
        product["stock"].as_i64().expect("a stock")
    }

    pub(crate) async fn set_stock(&self, product_id: i64, stock: i64) {
        let path = format!("/api/products/{product_id}/stock");
        let body = Some(json!({ "stock": stock }));
        let (status, answer) = self.call(Service::Orders, Method::PUT, &path, body).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
    }

    /// How often money was taken for an order or intent, and how often it went back.
    pub(crate) async fn charges(&self, key: &str) -> (usize, usize) {
        let booked = self.world().booked_charges(100_000).await.expect("books");
        let mine: Vec<_> = booked.iter().filter(|c| c.idempotency_key == key).collect();
        (mine.len(), mine.iter().filter(|c| c.refunded).count())
    }

    /// How many confirmations were mailed for an order.
    pub(crate) async fn confirmations(&self, order_id: &str) -> u64 {
        let key = format!("order-confirmation:{order_id}:ann@example.com");
        self.world().mails_of(&key).await.expect("books")
    }

    /// Events that wait to be published.
    pub(crate) async fn outbox_len(&self) -> usize {
        let pipeline = &self.shop().context().stores.pipeline;
        pipeline.unpublished(1_000).await.expect("reads").len()
    }

    /// The header that says when to ask again.
    pub(crate) async fn retry_after(&self, service: Service, path: &str) -> Option<String> {
        let base = self.shop().url(service).expect("runs");
        let response = self.client.get(format!("{base}{path}")).send().await;
        let response = response.expect("the service answers");
        let value = response.headers().get("Retry-After")?;
        value.to_str().ok().map(str::to_owned)
    }

    pub(crate) async fn metrics(&self, service: Service) -> String {
        let base = self.shop().url(service).expect("runs");
        let response = self.client.get(format!("{base}/metrics")).send().await;
        response.expect("answers").text().await.expect("text")
    }
}

async fn answer(request: reqwest::RequestBuilder) -> (StatusCode, Value) {
    let response = request.send().await.expect("the service answers");
    let status = response.status();
    (status, response.json().await.unwrap_or(Value::Null))
}

/// A field that must be text.
pub(crate) fn text(value: &Value, field: &str) -> String {
    value[field]
        .as_str()
        .unwrap_or_else(|| panic!("no {field} in {value}"))
        .to_owned()
}
