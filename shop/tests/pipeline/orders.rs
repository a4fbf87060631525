//! What becomes of orders that are paid automatically, and of orders that come by queue.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::json;
use shop::Service;
use shop::config::PipelineSettings;
use shop::pipeline::producer::Producer;
use shop::queue::{Outgoing, Topic};

use crate::shop_under_test::{TestShop, quick};

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_charged_reserved_and_confirmed_by_mail_once() {
    automatic_order(TestShop::start(quick()).await).await;
}

pub(crate) async fn automatic_order(shop: TestShop) {
    let before = shop.stock(7).await;
    let id = shop.order(7, 3, "automatic").await;
    let order = shop.order_in(&id, "reserved").await;
    assert_eq!(order["paymentStatus"], "charged");
    assert_eq!(shop.stock(7).await, before - 3);
    shop.wait_until("a mail", || async { shop.confirmations(&id).await == 1 })
        .await;
    assert_eq!(shop.charges(&format!("order:{id}")).await, (1, 0));
    let payment = shop.metrics(Service::Payment).await;
    assert!(
        payment.contains("ecommerce_payments_processed"),
        "{payment}"
    );
    let orders = shop.metrics(Service::Orders).await;
    assert!(orders.contains("ecommerce_inventory_reserved"), "{orders}");
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_declined_order_fails_with_the_reason_and_takes_nothing() {
    let shop = TestShop::start(PipelineSettings {
        decline_share: 1.0,
        ..quick()
    })
    .await;
    let before = shop.stock(7).await;
    let id = shop.order(7, 1, "automatic").await;
    let order = shop.order_in(&id, "failed").await;
    assert_eq!(order["reason"], "insufficient_funds");
    assert_eq!(order["paymentStatus"], "none");
    assert_eq!(shop.stock(7).await, before);
    assert_eq!(shop.charges(&format!("order:{id}")).await, (0, 0));
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_without_stock_fails_and_its_money_goes_back() {
    let shop = TestShop::start(quick()).await;
    let outage = shop.fault("payment_outage");
    let id = shop.order(7, 1, "automatic").await;
    shop.set_stock(7, 0).await;
    drop(outage);
    let order = shop
        .order_when(&id, |order| order["paymentStatus"] == "refunded")
        .await;
    assert_eq!(order["status"], "failed");
    assert_eq!(order["reason"], "out_of_stock");
    assert_eq!(shop.charges(&format!("order:{id}")).await, (1, 1));
    assert_eq!(shop.stock(7).await, 0);
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_order_gives_back_stock_and_money() {
    let shop = TestShop::start(quick()).await;
    let before = shop.stock(7).await;
    let id = shop.order(7, 2, "automatic").await;
    shop.order_in(&id, "reserved").await;
    let path = format!("/api/orders/{id}");
    let (status, _) = shop
        .call(Service::Orders, Method::DELETE, &path, None)
        .await;
    assert_eq!(status, StatusCode::OK);
    let order = shop
        .order_when(&id, |order| order["paymentStatus"] == "refunded")
        .await;
    assert_eq!(order["status"], "cancelled");
    shop.wait_until("the stock", || async { shop.stock(7).await == before })
        .await;
    assert_eq!(shop.charges(&format!("order:{id}")).await, (1, 1));
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_cancelled_before_its_charge_is_not_left_charged() {
    let shop = TestShop::start(quick()).await;
    let outage = shop.fault("payment_outage");
    let id = shop.order(7, 1, "automatic").await;
    let path = format!("/api/orders/{id}");
    shop.call(Service::Orders, Method::DELETE, &path, None)
        .await;
    drop(outage);
    drained(&shop).await;
    assert_eq!(shop.order_now(&id).await["status"], "cancelled");
    let (taken, given_back) = shop.charges(&format!("order:{id}")).await;
    assert_eq!(taken, given_back);
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn both_kinds_of_queued_orders_are_stored_once() {
    let shop = TestShop::start(quick()).await;
    let plain = Outgoing {
        body: json!({"customerId": "123", "items": ["item1", "item2"], "total": 99.99}).to_string(),
        ..Outgoing::default()
    };
    let queue = shop.queue();
    queue
        .send(Topic::Orders.queue(), &[plain])
        .await
        .expect("sends");
    // The same seed makes the same order: the second one is a repetition.
    for _ in 0..2 {
        let mut producer = Producer::new(queue.clone(), 1, 200);
        producer.produce().await.expect("sends");
    }
    drained(&shop).await;
    let charged = shop.world().booked_charges(100).await.expect("books");
    assert_eq!(charged.len(), 2, "{charged:?}");
    assert!(charged.iter().any(|charge| charge.amount_minor == 9_999));
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_five_hundred_buyers_of_a_hundred_pieces_a_hundred_get_one() {
    let shop = TestShop::start(quick()).await;
    shop.set_stock(7, 100).await;
    let body = json!({"items": [{"productId": 7, "quantity": 1}]});
    let keys: Vec<_> = (0..500).map(|buyer| format!("buyer-{buyer}")).collect();
    let buyers = keys.iter().map(|key| shop.buy(key, &body));
    let answers = futures_util::future::join_all(buyers).await;
    let mut sold = 0;
    for (status, answer) in answers {
        match status {
            StatusCode::CREATED => {
                let id = answer["id"].as_str().expect("an id");
                let order = shop
                    .order_when(id, |order| {
                        order["status"] == "reserved" || order["paymentStatus"] == "refunded"
                    })
                    .await;
                sold += i64::from(order["status"] == "reserved");
            }
            StatusCode::CONFLICT => assert_eq!(answer["error"]["code"], "out_of_stock"),
            other => panic!("{other}: {answer}"),
        }
    }
    assert_eq!((sold, shop.stock(7).await), (100, 0));
    let booked = shop.world().booked_charges(1_000).await.expect("books");
    assert_eq!(booked.iter().filter(|charge| !charge.refunded).count(), 100);
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_under_way_are_finished_after_a_restart() {
    let mut shop = TestShop::start(PipelineSettings {
        payment_latency: Duration::from_millis(200),
        consumer_concurrency: 2,
        ..quick()
    })
    .await;
    let mut ids = Vec::new();
    for _ in 0..10 {
        ids.push(shop.order(7, 1, "automatic").await);
    }
    shop.restart().await;
    for id in &ids {
        shop.order_in(id, "reserved").await;
        assert_eq!(shop.charges(&format!("order:{id}")).await, (1, 0));
    }
    shop.stop().await;
}

/// Waits until no event is under way any more.
async fn drained(shop: &TestShop) {
    let queue = shop.queue();
    shop.wait_until("the queues to empty", || async {
        // Looked at twice along the flow: an event between two queues is in the outbox.
        for _ in 0..2 {
            for topic in Topic::ALL {
                let depth = queue.depth(topic.queue()).await.expect("depth");
                if depth.total() > 0 || shop.outbox_len().await > 0 {
                    return false;
                }
            }
        }
        true
    })
    .await;
}
