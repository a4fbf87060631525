//! A shop for one test, and a client for it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::HeaderMap;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use shop::config::PasswordCost;
use shop::secret::Secret;
use shop::server::Stopped;
use shop::store::Role;
use shop::{Config, RunningShop, Service, Shop};
use tempfile::TempDir;
use test_servers::postgres::TestDatabase;
use test_servers::redis::TestRedis;
use uuid::Uuid;

pub(crate) const JWT_SECRET: &str = "a secret for tests only";

/// A running shop in a folder of its own.
pub(crate) struct TestShop {
    pub(crate) shop: RunningShop,
    pub(crate) folder: Arc<Home>,
    pub(crate) client: reqwest::Client,
}

/// Where shops keep what they know; several may share it.
pub(crate) struct Home {
    folder: TempDir,
    database: Option<TestDatabase>,
    redis: Option<TestRedis>,
}

impl Home {
    fn new() -> Self {
        Home {
            folder: tempfile::tempdir().unwrap(),
            database: TestDatabase::if_asked_for(),
            redis: TestRedis::if_asked_for(),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn config(&self) -> Config {
        let mut config = config(&self.folder);
        let url = self.database.as_ref().map(|database| database.url());
        config.backends.database_url = url.map(Secret::new);
        if let Some(redis) = &self.redis {
            config.backends.redis_url = Some(Secret::new(redis.url()));
            config.backends.redis_key_prefix = Some(redis.prefix().to_owned());
        }
        config
    }
}

/// What the shop answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

/// A small, quick shop.
pub(crate) fn config(folder: &TempDir) -> Config {
    let mut config = Config::new(folder.path()).with_free_ports();
    config.products = 60;
    config.jwt_secret = Some(Secret::new(JWT_SECRET));
    config.password_cost = PasswordCost {
        memory_kib: 64,
        passes: 1,
        lanes: 1,
    };
    config
}

impl TestShop {
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub(crate) async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        Self::start_in(Arc::new(Home::new()), change).await
    }

    pub(crate) async fn start_in(folder: Arc<Home>, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = folder.config();
        change(&mut config);
        TestShop {
            shop: Shop::start(config).await.unwrap(),
            folder,
            client: reqwest::Client::builder()
                .timeout(Duration::from_secs(20))
                .build()
                .unwrap(),
        }
    }

    /// Stops the shop; every test ends with it, so that nothing is left behind.
    pub(crate) async fn stop(self) {
        drop(self.client);
        assert_eq!(self.shop.shutdown().await, Stopped::Drained);
    }

    /// A request to the gateway, or to the orders service of a shop without one.
    pub(crate) fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let base = self
            .shop
            .url(Service::Gateway)
            .or_else(|| self.shop.url(Service::Orders))
            .or_else(|| self.shop.url(Service::Cart))
            .unwrap();
        self.client.request(method, format!("{base}{path}"))
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        send(self.request(Method::GET, path)).await
    }

    pub(crate) async fn get_as(&self, token: &str, path: &str) -> Answer {
        send(self.request(Method::GET, path).bearer_auth(token)).await
    }

    pub(crate) async fn call(&self, method: Method, path: &str, body: Value) -> Answer {
        send(self.request(method, path).json(&body)).await
    }

    pub(crate) async fn call_as(
        &self,
        token: &str,
        method: Method,
        path: &str,
        body: Value,
    ) -> Answer {
        send(self.request(method, path).bearer_auth(token).json(&body)).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.call(Method::POST, path, body).await
    }

    /// A token of a new account.
    pub(crate) async fn register(&self, email: &str) -> String {
        let new = json!({"email": email, "password": "correct horse", "name": "Ann"});
        let answer = self.post("/api/auth/register", new).await;
        answer.expect(201)["token"].as_str().unwrap().to_owned()
    }

    /// A token of a new administrator. No route makes one: somebody with access to the database does.
    pub(crate) async fn admin(&self) -> String {
        let email = format!("admin-{}@example.com", Uuid::new_v4());
        self.register(&email).await;
        self.set_role(&email, Role::Admin).await;
        self.log_in(&email, "correct horse").await
    }

    /// Changes what an account may do, in the database.
    pub(crate) async fn set_role(&self, email: &str, role: Role) {
        let users = &self.shop.context().stores.users;
        let user = users.by_email(email.to_owned()).await.unwrap().unwrap();
        assert!(users.set_role(user.id, role).await.unwrap());
    }

    /// A token of an account.
    pub(crate) async fn log_in(&self, email: &str, password: &str) -> String {
        let credentials = json!({"email": email, "password": password});
        let answer = self.post("/api/auth/login", credentials).await;
        answer.expect(200)["token"].as_str().unwrap().to_owned()
    }

    /// A product with this much stock.
    pub(crate) async fn product(&self, stock: u32) -> i64 {
        let new = json!({"name": "Test Product", "price": 99.99, "stock": stock});
        let answer = self.post("/api/products", new).await;
        answer.expect(201)["id"].as_i64().unwrap()
    }
}

pub(crate) async fn send(request: reqwest::RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    Answer {
        status: response.status(),
        headers: response.headers().clone(),
        text: response.text().await.unwrap(),
    }
}

impl Answer {
    /// The body, if the answer has this status.
    #[track_caller]
    pub(crate) fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        if self.text.is_empty() {
            return Value::Null;
        }
        serde_json::from_str(&self.text).unwrap_or_else(|_| Value::String(self.text.clone()))
    }

    /// The machine code, if the answer is an error of this status in the shop's shape.
    #[track_caller]
    pub(crate) fn error(&self, status: u16) -> String {
        let body = self.expect(status);
        let error = &body["error"];
        assert!(
            error["message"]
                .as_str()
                .is_some_and(|text| !text.is_empty()),
            "{body}"
        );
        let trace_id = error["traceId"].as_str().unwrap_or_default();
        assert!(
            trace_id.len() == 32 && trace_id.chars().any(|digit| digit != '0'),
            "{body}"
        );
        error["code"].as_str().unwrap().to_owned()
    }
}
