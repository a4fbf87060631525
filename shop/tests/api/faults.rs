//! Faults act where the shop says: every kind of place is met by a shop at work, and nothing is left of a fault that is over.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::json;
use shop::fault::{self, Decision, Given, Injected, Point};

use crate::support::TestShop;

/// How often a condition is looked at, and for how long before the test fails.
const LOOK_EVERY: Duration = Duration::from_millis(20);
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn every_point_is_met_by_a_shop_at_work() {
    let shop = TestShop::start_with(|config| {
        config.pipeline.payment_latency = Duration::from_millis(1);
        config.pipeline.mail_latency = Duration::from_millis(1);
    })
    .await;
    let met = Arc::new(Mutex::new(BTreeMap::<Point, usize>::new()));
    let counting = Arc::clone(&met);
    let armed = shop.shop.context().faults.arm(
        &Point::ALL,
        Arc::new(move |point: Point, _: &str| {
            *counting.lock().unwrap().entry(point).or_default() += 1;
            Decision::Pass
        }),
    );
    shop.get("/api/search?q=lamp").await.expect(200);
    let item = json!({"sessionId": "faults", "productId": 1, "quantity": 1});
    shop.post("/api/cart/add", item).await.expect(200);
    let order = json!({
        "items": [{"productId": 1, "quantity": 1}],
        "email": "ann@example.com",
        "cartSessionId": "faults",
    });
    shop.post("/api/orders", order).await.expect(201);
    let begun = Instant::now();
    let missing = loop {
        let missing: Vec<Point> = {
            let met = met.lock().unwrap();
            let unmet = Point::ALL
                .into_iter()
                .filter(|point| !met.contains_key(point));
            unmet.collect()
        };
        if missing.is_empty() || begun.elapsed() > PATIENCE {
            break missing;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    };
    assert!(missing.is_empty(), "never met: {missing:?}");
    drop(armed);
    shop.stop().await;
}

#[tokio::test]
async fn a_failure_at_a_request_is_an_error_of_the_shops_shape_until_it_is_over() {
    let shop = TestShop::start().await;
    let broken = |_: Point, route: &str| match route {
        "/api/products/{id}" => Decision::Fail(Injected("the handler gave up".to_owned())),
        _ => Decision::Pass,
    };
    let armed = shop
        .shop
        .context()
        .faults
        .arm(&[Point::HttpRequest], Arc::new(broken));
    assert_eq!(
        shop.get("/api/products/1").await.error(500),
        "internal_error"
    );
    shop.get("/api/products").await.expect(200);
    drop(armed);
    shop.get("/api/products/1").await.expect(200);
    shop.stop().await;
}

#[tokio::test]
async fn a_cold_start_delays_the_first_request_alone() {
    let shop = TestShop::start().await;
    let given = Given::default().with("delay", "300ms");
    let armed = fault::install("cold_start", &shop.shop.context().faults, &given).unwrap();
    let took = async || {
        let begun = Instant::now();
        shop.get("/api/search?q=lamp").await.expect(200);
        begun.elapsed()
    };
    assert!(took().await >= Duration::from_millis(300));
    drop(armed);
    took().await;
    shop.stop().await;
}
