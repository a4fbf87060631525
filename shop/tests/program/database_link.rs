//! The link between traces and database monitoring: comments in front of statements, and prepared statements in spite of them.

use reqwest::Client;
use serde_json::Value;
use test_servers::postgres::TestDatabase;

use super::{Running, shop, wait_for_file};

/// Requests that are measured.
const REQUESTS: u32 = 600;
/// Of so many requests one is sampled: 5 %.
const SAMPLED_EACH: u32 = 20;
/// Requests before: until then every connection has met every statement.
const WARM_UP: u32 = 200;
/// Least share of statements that were prepared before.
const HIT_RATE_MIN: f64 = 0.94;

struct LinkedShop {
    folder: tempfile::TempDir,
    running: Running,
    orders: String,
    client: Client,
    database: TestDatabase,
}

impl LinkedShop {
    fn start(mode: &str) -> Self {
        let (folder, database) = (tempfile::tempdir().unwrap(), TestDatabase::fresh());
        let ready = folder.path().join("ready.json");
        let spans = folder.path().join("spans.jsonl");
        let flags = [
            "--free-ports",
            "--lifeline",
            "--products",
            "50",
            "--service",
            "orders",
            "--log-level",
            "error",
            "--env",
            "link-test",
            "--ready-file",
            ready.to_str().unwrap(),
            "--span-file",
            spans.to_str().unwrap(),
        ];
        let mut command = shop(folder.path(), &flags);
        command
            .env("DATABASE_URL", database.url())
            .env("DD_DBM_PROPAGATION_MODE", mode)
            .stdout(std::process::Stdio::null());
        let running = Running::start(&mut command);
        let told = wait_for_file(&ready);
        LinkedShop {
            orders: told["services"]["orders"].as_str().unwrap().to_owned(),
            folder,
            running,
            client: Client::new(),
            database,
        }
    }

    /// Looks at a product so often; one of [`SAMPLED_EACH`] looks is sampled.
    async fn look(&self, times: u32) {
        for number in 0..times {
            let sampled = u8::from(number.is_multiple_of(SAMPLED_EACH));
            let trace = format!("00-{:032x}-{:016x}-0{sampled}", number + 1, number + 1);
            let url = format!("{}/api/products/{}", self.orders, 1 + number % 50);
            let request = self.client.get(url).header("traceparent", trace);
            assert!(request.send().await.unwrap().status().is_success());
        }
    }

    /// Statements so far: those that were prepared before, and the others.
    async fn statements(&self) -> (f64, f64) {
        let metrics = self.client.get(format!("{}/metrics", self.orders));
        let metrics = metrics.send().await.unwrap().text().await.unwrap();
        let of = |cache: &str| {
            let label = format!("cache=\"{cache}\"");
            let mut lines = metrics.lines();
            let line = lines.find(|line| {
                line.starts_with("db_client_statements_total") && line.contains(&label)
            });
            line.unwrap().rsplit(' ').next().unwrap().parse().unwrap()
        };
        (of("hit"), of("miss"))
    }

    /// What the server says was asked last on each connection.
    fn asked(&self) -> String {
        let sql = "SELECT query FROM pg_stat_activity WHERE application_name = 'rum-shop' AND datname = current_database()";
        self.database.sql(sql)
    }

    /// Ends the shop; the spans of its statements.
    fn finish(self) -> Vec<Value> {
        assert!(self.running.finish().status.success());
        let text = std::fs::read_to_string(self.folder.path().join("spans.jsonl")).unwrap();
        let spans = text
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap());
        spans
            .filter(|span| span["attributes"]["db.system.name"] == "postgresql")
            .collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sampled_statements_name_their_trace_and_the_others_stay_prepared() {
    let shop = LinkedShop::start("full");
    shop.look(WARM_UP).await;
    let (hits_before, misses_before) = shop.statements().await;
    shop.look(REQUESTS).await;
    let (hits, misses) = shop.statements().await;
    let (hits, misses) = (hits - hits_before, misses - misses_before);
    let rate = hits / (hits + misses);
    assert!(
        misses >= f64::from(REQUESTS / SAMPLED_EACH),
        "{misses} misses: what is sampled is prepared for once"
    );
    assert!(rate >= HIT_RATE_MIN, "{hits} hits, {misses} misses");
    let asked = shop.asked();
    assert!(
        asked.contains("dddbs='rum-shop-postgres',dde='link-test',ddh="),
        "{asked}"
    );
    assert!(
        asked.contains(",ddps='rum-shop-order-service',ddpv='"),
        "{asked}"
    );
    let spans = shop.finish();
    assert!(!spans.is_empty());
    for span in &spans {
        assert_eq!(
            span["attributes"]["_dd.dbm_trace_injected"], true,
            "{span:#}"
        );
        let text = span["attributes"]["db.query.text"].as_str().unwrap();
        assert!(
            !text.contains("/*"),
            "the span has the bare statement: {text}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_mode_names_no_trace() {
    let shop = LinkedShop::start("service");
    shop.look(SAMPLED_EACH * 2).await;
    let asked = shop.asked();
    assert!(asked.contains("ddps='rum-shop-order-service'"), "{asked}");
    assert!(!asked.contains("traceparent"), "{asked}");
    for span in shop.finish() {
        assert_eq!(span["attributes"]["_dd.dbm_trace_injected"], Value::Null);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_told_unless_it_is_asked_for() {
    let shop = LinkedShop::start("disabled");
    shop.look(SAMPLED_EACH).await;
    let asked = shop.asked();
    assert!(!asked.contains("/*"), "{asked}");
    assert!(!shop.finish().is_empty());
}
