//! The same shop with Redis and SQS under it.

use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode};
use serde_json::json;
use shop::Service;
use shop::backends::Backends;
use shop::queue::settings::{AccessKey, Settings as QueueSettings};
use shop::secret::Secret;
use test_servers::redis::{RedisServer, TestRedis};
use test_servers::sqs::TestSqs;

use crate::shop_under_test::{Servers, TestShop, quick};
use crate::{failures, intents, orders};

/// How soon after its return a server must be in use again.
const RECOVERY_MAX: Duration = Duration::from_secs(2);

fn redis_and_sqs() -> Servers {
    let (redis, sqs) = (TestRedis::fresh(), TestSqs::fresh());
    let queue = QueueSettings {
        access_key: Some(AccessKey {
            id: "test".into(),
            secret: Secret::new("test"),
        }),
        ..QueueSettings::new(Secret::new(sqs.url()))
    };
    let backends = Backends {
        redis_url: Some(Secret::new(redis.url())),
        redis_key_prefix: Some(redis.prefix().to_owned()),
        queue: Some(queue),
        ..Backends::default()
    };
    Servers {
        backends,
        guards: vec![Box::new(redis), Box::new(sqs)],
    }
}

async fn start() -> TestShop {
    TestShop::start_on(redis_and_sqs(), quick()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_automatic_order_reaches_its_final_state() {
    orders::automatic_order(start().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_confirmed_intent_pays_its_order_once() {
    intents::confirmed_intent(start().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn poison_dies_after_three_receives_and_delays_nobody() {
    failures::poison(start().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_of_redis_is_answered_with_503_and_over_when_redis_is_back() {
    let mut redis = RedisServer::start();
    let backends = Backends {
        redis_url: Some(Secret::new(redis.url())),
        ..Backends::default()
    };
    let servers = Servers {
        backends,
        guards: Vec::new(),
    };
    let shop = TestShop::start_on(servers, quick()).await;
    let body = json!({"sessionId": "s", "productId": 7, "quantity": 2});
    let (status, cart) = shop
        .post(Service::Cart, "/api/cart/add", body.clone())
        .await;
    assert_eq!(status, StatusCode::OK, "{cart}");
    redis.kill();
    for _ in 0..5 {
        let (status, answer) = shop
            .post(Service::Cart, "/api/cart/add", body.clone())
            .await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{answer}");
        assert!(
            shop.retry_after(Service::Cart, "/api/cart/s")
                .await
                .is_some()
        );
    }
    let id = shop.order(7, 1, "automatic").await;
    shop.order_in(&id, "reserved").await;
    redis.start_again();
    let back = Instant::now();
    loop {
        let (status, cart) = shop
            .call(Service::Cart, Method::GET, "/api/cart/s", None)
            .await;
        if status == StatusCode::OK {
            assert_eq!(
                cart["itemCount"], 2,
                "the acknowledged cart, no more: {cart}"
            );
            break;
        }
        assert!(back.elapsed() < RECOVERY_MAX, "still {status}: {cart}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    shop.stop().await;
}
