//! The contract of every queue, and what only a queue on disk must do.

use std::sync::Arc;

use super::*;
use crate::queue::contract::contract;

async fn fresh() -> (tempfile::TempDir, Arc<dyn Queue>) {
    let dir = tempfile::tempdir().expect("a folder");
    let queue = open(dir.path());
    (dir, Arc::new(queue))
}

fn open(dir: &Path) -> EmbeddedQueue {
    EmbeddedQueue::open(&dir.join("queue.db"), Durability::Process).expect("opens")
}

contract!(fresh);

const NOW: Receive = Receive {
    max: 10,
    visibility: Duration::from_secs(30),
    wait: Duration::ZERO,
};

fn message(body: &str) -> Outgoing {
    Outgoing {
        body: body.into(),
        ..Outgoing::default()
    }
}

#[tokio::test]
async fn what_was_sent_survives_a_restart_with_its_count() {
    let dir = tempfile::tempdir().expect("a folder");
    let id = Topic::Payments.queue();
    let first = open(dir.path());
    first.send(id, &[message("kept")]).await.expect("sends");
    let received = first.receive(id, NOW).await.expect("receives");
    first
        .change_visibility(id, &received[0].receipt, Duration::ZERO)
        .await
        .expect("gives back");
    first.close();
    let second = open(dir.path());
    let again = second.receive(id, NOW).await.expect("receives");
    assert_eq!(
        (again[0].body.as_str(), again[0].receive_count),
        ("kept", 2)
    );
}

#[tokio::test]
async fn a_stale_receipt_deletes_nothing() {
    let (_dir, queue) = fresh().await;
    let id = Topic::Payments.queue();
    queue.send(id, &[message("kept")]).await.expect("sends");
    let first = queue.receive(id, NOW).await.expect("receives").remove(0);
    let back = queue.change_visibility(id, &first.receipt, Duration::ZERO);
    back.await.expect("gives back");
    queue.receive(id, NOW).await.expect("receives");
    queue
        .delete(id, std::slice::from_ref(&first.receipt))
        .await
        .expect("no error");
    assert_eq!(queue.depth(id).await.expect("depth").total(), 1);
    let late = queue
        .change_visibility(id, &first.receipt, Duration::ZERO)
        .await;
    assert!(matches!(late, Err(QueueError::StaleReceipt)), "{late:?}");
}

#[tokio::test]
async fn two_processes_share_the_file() {
    let dir = tempfile::tempdir().expect("a folder");
    let id = Topic::Inventory.queue();
    let (one, other) = (open(dir.path()), open(dir.path()));
    let sending = async {
        tokio::task::yield_now().await;
        one.send(id, &[message("m")]).await
    };
    let waiting = other.receive(
        id,
        Receive {
            wait: WAIT_MAX,
            ..NOW
        },
    );
    let (received, sent) = tokio::join!(waiting, sending);
    sent.expect("sends");
    assert_eq!(received.expect("receives").len(), 1);
    assert!(one.receive(id, NOW).await.expect("receives").is_empty());
}

#[tokio::test]
async fn a_crowd_of_poison_does_not_hide_a_healthy_message() {
    let dir = tempfile::tempdir().expect("a folder");
    let queue = open(dir.path());
    let id = Topic::Payments.queue();
    for _ in 0..3 {
        queue
            .send(id, &vec![message("poison"); 10])
            .await
            .expect("sends");
    }
    for _ in 0..MAX_RECEIVES * 3 {
        for received in queue.receive(id, NOW).await.expect("receives") {
            queue
                .change_visibility(id, &received.receipt, Duration::ZERO)
                .await
                .expect("back");
        }
    }
    queue.send(id, &[message("healthy")]).await.expect("sends");
    let received = queue.receive(id, NOW).await.expect("receives");
    assert_eq!(received.len(), 1);
    assert_eq!(received[0].body, "healthy");
    let dead = queue
        .depth(Topic::Payments.dead_letters())
        .await
        .expect("depth");
    assert_eq!(dead.visible, 30);
}
