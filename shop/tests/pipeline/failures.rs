//! Outages, poison and doubled events.

use std::time::{Duration, Instant};

use shop::Service;
use shop::config::PipelineSettings;
use shop::queue::{Outgoing, Topic};

use crate::shop_under_test::{TestShop, quick};

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_of_the_payment_provider_delays_orders_and_loses_none() {
    let shop = TestShop::start(quick()).await;
    let outage = shop.fault("payment_outage");
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(shop.order(7, 1, "automatic").await);
    }
    let queue = shop.queue();
    shop.wait_until("the consumer to hold all", || async {
        let depth = queue.depth(Topic::Payments.queue()).await.expect("depth");
        depth.in_flight == 5
    })
    .await;
    assert_eq!(shop.order_now(&ids[0]).await["status"], "pending");
    drop(outage);
    for id in &ids {
        shop.order_in(id, "reserved").await;
        assert_eq!(shop.charges(&format!("order:{id}")).await, (1, 0));
    }
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_of_the_mail_provider_leaves_checkout_alone() {
    let shop = TestShop::start(quick()).await;
    let outage = shop.fault("mail_outage");
    let id = shop.order(7, 1, "automatic").await;
    shop.order_in(&id, "reserved").await;
    assert_eq!(shop.confirmations(&id).await, 0);
    drop(outage);
    shop.wait_until("a mail", || async { shop.confirmations(&id).await == 1 })
        .await;
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_mail_is_counted_and_not_tried_for_ever() {
    let shop = TestShop::start(PipelineSettings {
        mail_rejection_share: 1.0,
        ..quick()
    })
    .await;
    let id = shop.order(7, 1, "automatic").await;
    shop.order_in(&id, "reserved").await;
    shop.wait_until("the refusal", || async {
        let metrics = shop.metrics(Service::Notifications).await;
        metrics.lines().any(|line| {
            line.starts_with("ecommerce_notifications_failed")
                && line.contains("rejected")
                && line.ends_with(" 1")
        })
    })
    .await;
    let queue = shop.queue();
    shop.wait_until("an empty queue", || async {
        let depth = queue.depth(Topic::Notifications.queue()).await;
        depth.expect("depth").total() == 0
    })
    .await;
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn poison_dies_after_three_receives_and_delays_nobody() {
    poison(TestShop::start(quick()).await).await;
}

pub(crate) async fn poison(shop: TestShop) {
    let queue = shop.queue();
    let poison = vec![
        Outgoing {
            body: "not an event".into(),
            ..Outgoing::default()
        };
        10
    ];
    for topic in Topic::ALL {
        queue.send(topic.queue(), &poison).await.expect("sends");
    }
    let started = Instant::now();
    let id = shop.order(7, 1, "automatic").await;
    shop.order_in(&id, "reserved").await;
    let took = started.elapsed();
    for topic in Topic::ALL {
        shop.wait_until("ten dead letters", || async {
            let depth = queue.depth(topic.dead_letters()).await.expect("depth");
            depth.total() == 10
        })
        .await;
    }
    assert!(took < Duration::from_secs(10), "{took:?}");
    let metrics = shop.metrics(Service::Payment).await;
    let poisoned = metrics
        .lines()
        .find(|line| line.contains("messages_processed") && line.contains("poison"));
    // Ten messages, each received exactly three times.
    assert!(
        poisoned.is_some_and(|line| line.ends_with(" 30")),
        "{poisoned:?}"
    );
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_delivered_again_change_nothing() {
    let shop = TestShop::start(quick()).await;
    let queue = shop.queue();
    // With the provider out, the events stay on the queue where they can be copied.
    let outage = shop.fault("payment_outage");
    let id = shop.order(7, 1, "automatic").await;
    shop.wait_until("the event", || async {
        let depth = queue.depth(Topic::Payments.queue()).await.expect("depth");
        depth.in_flight == 1
    })
    .await;
    let copies: Vec<Outgoing> = queue
        .peek(Topic::Payments.queue(), 1)
        .await
        .expect("peeks")
        .into_iter()
        .cycle()
        .take(10)
        .map(|message| Outgoing {
            body: message.body,
            attributes: message.attributes,
            delay: Duration::ZERO,
        })
        .collect();
    queue
        .send(Topic::Payments.queue(), &copies)
        .await
        .expect("sends");
    drop(outage);
    shop.order_in(&id, "reserved").await;
    shop.wait_until("an empty queue", || async {
        let depth = queue.depth(Topic::Payments.queue()).await.expect("depth");
        depth.total() == 0
    })
    .await;
    shop.wait_until("a mail", || async { shop.confirmations(&id).await == 1 })
        .await;
    assert_eq!(shop.charges(&format!("order:{id}")).await, (1, 0));
    assert_eq!(shop.order_now(&id).await["status"], "reserved");
    shop.stop().await;
}
