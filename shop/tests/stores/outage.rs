//! PostgreSQL goes away and comes back while a shop runs on it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::StatusCode;
use serde_json::json;
use shop::secret::Secret;
use shop::store::StoreError;
use shop::{RunningShop, Service, Shop};
use test_servers::postgres::PostgresServer;

use crate::place::{Place, new_order};

/// How long anything here may take before the test fails.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long the server is away.
const AWAY: Duration = Duration::from_secs(3);
/// How long it stands still: an operation gives up before that.
const STANDSTILL: Duration = Duration::from_secs(8);
/// Buyers at once.
const CROWD: usize = 8;

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_told_to_come_back_and_the_shop_recovers_by_itself() {
    let mut server = PostgresServer::start();
    let database = server.database();
    let place = Place::embedded();
    let mut config = place.config();
    config.backends.database_url = Some(Secret::new(database.url()));
    config.services = vec![Service::Orders];
    let shop = Shop::start(config).await.unwrap();
    let client = reqwest::Client::builder()
        .timeout(PATIENCE)
        .build()
        .unwrap();
    assert_eq!(order(&shop, &client).await.0, StatusCode::CREATED);

    server.stop();
    let gone = Instant::now();
    while gone.elapsed() < AWAY {
        let requests = (0..20).map(|_| order(&shop, &client));
        for (status, retry_after) in futures_util::future::join_all(requests).await {
            assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
            assert!(retry_after.is_some_and(|after| after.parse::<u32>().is_ok()));
        }
    }
    let direct = shop.context().stores.orders.create(new_order(1, 1)).await;
    assert!(matches!(direct, Err(StoreError::Busy(_))), "{direct:?}");

    server.start_again();
    let back = Instant::now();
    loop {
        let (status, _) = order(&shop, &client).await;
        if status == StatusCode::CREATED {
            break;
        }
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(back.elapsed() < PATIENCE, "the shop does not recover");
    }
    eprintln!("recovered after {:?}", back.elapsed());
    shop.shutdown().await;
}

/// The server stands still for longer than any operation may take, while clients that order also hang up: whatever was
/// answered `201` exists, as soon as it was answered.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_around_a_standstill_exists() {
    let server = PostgresServer::start();
    let database = server.database();
    let place = Place::embedded();
    let mut config = place.config();
    config.backends.database_url = Some(Secret::new(database.url()));
    config.services = vec![Service::Orders];
    let shop = Arc::new(Shop::start(config).await.unwrap());
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let crowd: Vec<_> = (0..CROWD)
        .map(|number| tokio::spawn(buy_on(Arc::clone(&shop), number, stopped.clone())))
        .collect();
    tokio::time::sleep(Duration::from_secs(1)).await;
    server.pause();
    tokio::time::sleep(STANDSTILL).await;
    server.resume();
    tokio::time::sleep(AWAY).await;
    stop.send_replace(true);
    let mut promised = Vec::new();
    for buyer in crowd {
        promised.extend(buyer.await.unwrap());
    }
    assert!(promised.len() > CROWD, "{} promises", promised.len());
    for id in &promised {
        let sql = format!("SELECT count(*) FROM orders WHERE id = '{id}'");
        assert_eq!(database.sql(&sql).trim(), "1", "an acknowledged order");
    }
    let shop = Arc::into_inner(shop).expect("nobody else has it");
    shop.shutdown().await;
}

/// Orders, one after the other; every third time it hangs up after a moment. Returns what it was promised.
async fn buy_on(
    shop: Arc<RunningShop>,
    number: usize,
    stopped: tokio::sync::watch::Receiver<bool>,
) -> Vec<String> {
    let url = format!("{}/api/orders", shop.url(Service::Orders).unwrap());
    let client = reqwest::Client::new();
    let mut promised = Vec::new();
    for round in 0_u64.. {
        if *stopped.borrow() {
            break;
        }
        let body = json!({"items": [{"productId": 1 + number, "quantity": 1}]});
        let mut request = client.post(&url).json(&body);
        if round % 3 == 0 {
            request = request.timeout(Duration::from_micros(500 + round % 7 * 500));
        }
        let Ok(answer) = request.send().await else {
            continue;
        };
        if answer.status() != StatusCode::CREATED {
            assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        }
        if let Ok(order) = answer.json::<serde_json::Value>().await {
            promised.push(order["id"].as_str().unwrap().to_owned());
        }
    }
    promised
}

async fn order(shop: &RunningShop, client: &reqwest::Client) -> (StatusCode, Option<String>) {
    let url = format!("{}/api/orders", shop.url(Service::Orders).unwrap());
    let body = json!({"items": [{"productId": 1, "quantity": 1}]});
    let answer = client.post(url).json(&body).send().await.unwrap();
    let retry_after = answer.headers().get("retry-after");
    let retry_after = retry_after.map(|value| value.to_str().unwrap().to_owned());
    (answer.status(), retry_after)
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_that_an_administrator_ends_are_replaced() {
    let place = Place::postgres();
    let stores = place.open().await;
    let product = crate::place::product(&stores, 5).await;
    place.database.as_ref().unwrap().sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE application_name = 'rum-shop' AND datname = current_database()",
    );
    // One answer may be that the session is gone; the next session is new.
    let mut answers = Vec::new();
    for _ in 0..3 {
        answers.push(stores.products.get(product).await);
    }
    assert!(
        answers
            .iter()
            .all(|answer| matches!(answer, Ok(Some(_)) | Err(StoreError::Busy(_))))
    );
    assert!(matches!(answers[2], Ok(Some(_))), "{answers:?}");
    stores.close().await;
}
