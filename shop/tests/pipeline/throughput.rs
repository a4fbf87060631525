//! How many orders reach their final state in a second. A measurement, not a check: run it with
//! `cargo test --release -p shop --test pipeline -- --ignored --nocapture`.

use std::time::{Duration, Instant};

use serde_json::json;
use shop::Service;

use crate::shop_under_test::TestShop;

const DURATION: Duration = Duration::from_secs(20);
const SHOPPERS: usize = 64;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes 20 s and says something in a release build only"]
async fn orders_to_final_state_per_second() {
    let shop = TestShop::start(shop::config::PipelineSettings::default()).await;
    let started = Instant::now();
    let shoppers = (0..SHOPPERS).map(|shopper| order_until(&shop, started + DURATION, shopper));
    let made: Vec<String> = futures_util::future::join_all(shoppers)
        .await
        .into_iter()
        .flatten()
        .collect();
    let accepted_in = started.elapsed();
    for id in &made {
        shop.order_in(id, "reserved").await;
    }
    let final_in = started.elapsed();
    let rate = |time: Duration| made.len() as f64 / time.as_secs_f64();
    assert!(!made.is_empty());
    // The figure is the point of the run.
    eprintln!(
        "{} orders: accepted {:.0}/s, final {:.0}/s, backlog {:?} after the last",
        made.len(),
        rate(accepted_in),
        rate(final_in),
        final_in - accepted_in
    );
    shop.stop().await;
}

async fn order_until(shop: &TestShop, end: Instant, shopper: usize) -> Vec<String> {
    let mut made = Vec::new();
    let body = json!({
        "items": [{"productId": shopper % 200 + 1, "quantity": 1}],
        "email": "ann@example.com",
    });
    while Instant::now() < end {
        let (status, order) = shop
            .post(Service::Orders, "/api/orders", body.clone())
            .await;
        assert!(status.is_success(), "{status}: {order}");
        made.push(order["id"].as_str().expect("an id").to_owned());
    }
    made
}
