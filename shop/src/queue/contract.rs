//! What every queue must do, written against the trait alone. Each implementation runs all of it.

use std::{collections::HashSet, sync::Arc, time::Instant};

use super::*;

const NOW: Receive = Receive {
    max: BATCH_MAX,
    visibility: VISIBILITY_DEFAULT,
    wait: Duration::ZERO,
};
/// The shortest visibility timeout all implementations know (SQS counts whole seconds).
const SHORT: Duration = Duration::from_secs(1);

fn message(body: &str) -> Outgoing {
    Outgoing {
        body: body.into(),
        ..Outgoing::default()
    }
}

fn bodies(received: &[Received]) -> HashSet<String> {
    received.iter().map(|m| m.body.clone()).collect()
}

async fn one(queue: &dyn Queue, id: QueueId, how: Receive) -> Received {
    let wait = Receive {
        wait: Duration::from_secs(10),
        ..how
    };
    let mut received = queue.receive(id, wait).await.expect("receives");
    assert_eq!(received.len(), 1, "{received:?}");
    received.remove(0)
}

/// Body and attributes arrive as sent; a received message is hidden; a deleted one is gone.
pub(crate) async fn delivers_hides_and_deletes(queue: Arc<dyn Queue>) {
    let id = Topic::Payments.queue();
    let sent = Outgoing {
        body: r#"{"x":"ä\"1"}"#.into(),
        attributes: [("traceparent".into(), "00-1-2-01".into())].into(),
        delay: Duration::ZERO,
    };
    queue
        .send(id, std::slice::from_ref(&sent))
        .await
        .expect("sends");
    let first = one(&*queue, id, NOW).await;
    assert_eq!(
        (&first.body, &first.attributes),
        (&sent.body, &sent.attributes)
    );
    assert_eq!(first.receive_count, 1);
    assert!(queue.receive(id, NOW).await.expect("receives").is_empty());
    let depth = queue.depth(id).await.expect("depth");
    assert_eq!((depth.visible, depth.in_flight), (0, 1));
    queue.delete(id, &[first.receipt]).await.expect("deletes");
    assert_eq!(queue.depth(id).await.expect("depth").total(), 0);
    for other in [Topic::Orders, Topic::Inventory, Topic::Notifications] {
        assert!(
            queue
                .receive(other.queue(), NOW)
                .await
                .expect("receives")
                .is_empty()
        );
    }
}

/// What is not deleted comes back after its visibility timeout, the same message, counted again.
pub(crate) async fn comes_back_after_the_visibility_timeout(queue: Arc<dyn Queue>) {
    let id = Topic::Inventory.queue();
    queue.send(id, &[message("again")]).await.expect("sends");
    let started = Instant::now();
    let how = Receive {
        visibility: SHORT,
        ..NOW
    };
    let first = one(&*queue, id, how).await;
    let second = one(&*queue, id, NOW).await;
    assert!(started.elapsed() >= SHORT);
    assert_eq!((second.id, second.receive_count), (first.id, 2));
    let receipts = [first.receipt, "no receipt".into(), second.receipt];
    queue
        .delete(id, &receipts)
        .await
        .expect("a stale receipt is no error");
    assert_eq!(queue.depth(id).await.expect("depth").total(), 0);
}

/// Zero visibility gives a message back at once; a longer one keeps it away.
pub(crate) async fn visibility_can_be_changed(queue: Arc<dyn Queue>) {
    let id = Topic::Payments.queue();
    queue.send(id, &[message("m")]).await.expect("sends");
    let how = Receive {
        visibility: SHORT,
        ..NOW
    };
    let first = one(&*queue, id, how).await;
    let change = queue.change_visibility(id, &first.receipt, Duration::ZERO);
    change.await.expect("changes");
    let second = one(&*queue, id, how).await;
    let change = queue.change_visibility(id, &second.receipt, VISIBILITY_DEFAULT);
    change.await.expect("changes");
    let wait = Receive {
        wait: SHORT * 2,
        ..NOW
    };
    assert!(queue.receive(id, wait).await.expect("receives").is_empty());
    let too_long = VISIBILITY_MAX + SHORT;
    let refused = queue.change_visibility(id, &second.receipt, too_long).await;
    assert!(matches!(refused, Err(QueueError::Limit(_))), "{refused:?}");
}

/// Exactly three receives, then the dead-letter queue, whatever else is in the queue; a redrive brings it back.
pub(crate) async fn moves_to_the_dead_letters_after_three_receives(queue: Arc<dyn Queue>) {
    let id = Topic::Notifications.queue();
    let poison = Outgoing {
        attributes: [("kind".into(), "poison".into())].into(),
        ..message("poison")
    };
    queue.send(id, &[poison]).await.expect("sends");
    for count in 1..=MAX_RECEIVES {
        let received = one(&*queue, id, NOW).await;
        assert_eq!(received.receive_count, count);
        let back = queue.change_visibility(id, &received.receipt, Duration::ZERO);
        back.await.expect("gives back");
    }
    queue.send(id, &[message("healthy")]).await.expect("sends");
    assert_eq!(one(&*queue, id, NOW).await.body, "healthy");
    let dead = Topic::Notifications.dead_letters();
    assert_eq!(queue.depth(dead).await.expect("depth").visible, 1);
    assert_eq!(
        redrive(&*queue, Topic::Notifications, 100)
            .await
            .expect("redrives"),
        1
    );
    let again = one(&*queue, id, NOW).await;
    assert_eq!((again.body.as_str(), again.receive_count), ("poison", 1));
    assert_eq!(again.attributes["kind"], "poison");
    assert_eq!(queue.depth(dead).await.expect("depth").total(), 0);
}

/// Ten at a time, no more; nothing without a body; at most ten attributes.
pub(crate) async fn keeps_its_limits(queue: Arc<dyn Queue>) {
    let id = Topic::Orders.queue();
    let eleven = vec![message("m"); BATCH_MAX + 1];
    let long = message(&"x".repeat(MESSAGE_BYTES_MAX + 1));
    let many = Outgoing {
        attributes: (0..=ATTRIBUTES_MAX)
            .map(|n| (format!("a{n}"), "v".into()))
            .collect(),
        ..message("m")
    };
    let with = |name: &str, value: &str| Outgoing {
        attributes: [(name.into(), value.into())].into(),
        ..message("m")
    };
    let odd = [
        message("\u{0}"),
        message("\u{ffff}"),
        with("a b", "v"),
        with("", "v"),
        with("a", ""),
    ];
    for message in odd {
        let refused = queue.send(id, &[message]).await;
        assert!(matches!(refused, Err(QueueError::Limit(_))), "{refused:?}");
    }
    for batch in [&eleven[..], &[], &[long], &[message("")], &[many]] {
        let refused = queue.send(id, batch).await;
        assert!(matches!(refused, Err(QueueError::Limit(_))), "{refused:?}");
    }
    for max in [0, BATCH_MAX + 1] {
        let refused = queue.receive(id, Receive { max, ..NOW }).await;
        assert!(matches!(refused, Err(QueueError::Limit(_))), "{refused:?}");
    }
    assert_eq!(queue.depth(id).await.expect("depth").total(), 0);
}

/// Several receivers at once: nothing is lost, and nothing is in two hands.
pub(crate) async fn shares_messages_between_receivers(queue: Arc<dyn Queue>) {
    let id = Topic::Payments.queue();
    let sent: HashSet<String> = (0..100).map(|n| format!("m{n}")).collect();
    let all: Vec<_> = sent.iter().map(|body| message(body)).collect();
    for batch in all.chunks(BATCH_MAX) {
        queue.send(id, batch).await.expect("sends");
    }
    let receivers: Vec<_> = (0..4)
        .map(|_| tokio::spawn(drain(queue.clone(), id)))
        .collect();
    let mut got = Vec::new();
    for receiver in receivers {
        got.extend(receiver.await.expect("no panic"));
    }
    assert_eq!(got.len(), sent.len());
    assert_eq!(bodies(&got), sent);
    assert_eq!(queue.depth(id).await.expect("depth").total(), 0);
}

async fn drain(queue: Arc<dyn Queue>, id: QueueId) -> Vec<Received> {
    let mut all = Vec::new();
    loop {
        let got = queue.receive(id, NOW).await.expect("receives");
        if got.is_empty() {
            return all;
        }
        let receipts: Vec<_> = got.iter().map(|m| m.receipt.clone()).collect();
        queue.delete(id, &receipts).await.expect("deletes");
        all.extend(got);
    }
}

/// A waiting receiver is served when a message arrives, long before its wait is over.
pub(crate) async fn long_polling_wakes(queue: Arc<dyn Queue>) {
    let id = Topic::Inventory.queue();
    let waiting = tokio::spawn({
        let queue = queue.clone();
        let how = Receive {
            wait: WAIT_MAX,
            ..NOW
        };
        async move { queue.receive(id, how).await }
    });
    tokio::task::yield_now().await;
    let started = Instant::now();
    queue.send(id, &[message("wake")]).await.expect("sends");
    let got = waiting.await.expect("no panic").expect("receives");
    assert_eq!(got.len(), 1);
    assert!(started.elapsed() < WAIT_MAX / 4, "{:?}", started.elapsed());
}

/// A delayed message is not seen before its time.
pub(crate) async fn delays(queue: Arc<dyn Queue>) {
    let id = Topic::Inventory.queue();
    let started = Instant::now();
    let late = Outgoing {
        delay: SHORT,
        ..message("late")
    };
    queue.send(id, &[late]).await.expect("sends");
    assert!(queue.receive(id, NOW).await.expect("receives").is_empty());
    assert_eq!(one(&*queue, id, NOW).await.body, "late");
    assert!(started.elapsed() >= SHORT);
}

/// Peeking takes nothing; purging takes everything, of this queue alone.
pub(crate) async fn peeks_and_purges(queue: Arc<dyn Queue>) {
    let (id, other) = (Topic::Orders.queue(), Topic::Payments.queue());
    queue
        .send(id, &[message("a"), message("b")])
        .await
        .expect("sends");
    queue.send(other, &[message("c")]).await.expect("sends");
    let peeked = queue.peek(id, 10).await.expect("peeks");
    assert_eq!(peeked.len(), 2);
    assert_eq!(queue.peek(id, 1).await.expect("peeks").len(), 1);
    queue.purge(id).await.expect("purges");
    assert_eq!(queue.depth(id).await.expect("depth").total(), 0);
    assert_eq!(one(&*queue, other, NOW).await.receive_count, 1);
}

/// Runs every case on a fresh queue: `contract!(async { (guard, queue) })`.
macro_rules! contract {
    ($fresh:path) => {
        contract!(@ $fresh:
            delivers_hides_and_deletes
            comes_back_after_the_visibility_timeout
            visibility_can_be_changed
            moves_to_the_dead_letters_after_three_receives
            keeps_its_limits
            shares_messages_between_receivers
            long_polling_wakes
            delays
            peeks_and_purges
        );
    };
    (@ $fresh:path: $($case:ident)*) => {
        $(#[tokio::test]
        async fn $case() {
            let (_guard, queue) = $fresh().await;
            crate::queue::contract::$case(queue).await;
        })*
    };
}
pub(crate) use contract;
