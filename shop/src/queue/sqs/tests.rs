//! The contract of every queue, and what only SQS does.

use std::sync::Arc;

use test_servers::sqs::{SqsServer, TestSqs};

mod cut;
mod scripted;

use super::*;
use crate::queue::contract::contract;
use crate::queue::settings::AccessKey;
use crate::queue::{MAX_RECEIVES, Topic, VISIBILITY_DEFAULT};
use crate::secret::Secret;

fn settings(url: &str) -> Settings {
    Settings {
        access_key: Some(AccessKey {
            id: "test".into(),
            secret: Secret::new("test"),
        }),
        ..Settings::new(Secret::new(url))
    }
}

async fn open(url: &str) -> SqsQueue {
    SqsQueue::open(settings(url), true).await.expect("opens")
}

async fn fresh() -> (TestSqs, Arc<dyn Queue>) {
    let sqs = TestSqs::fresh();
    let queue = open(sqs.url()).await;
    (sqs, Arc::new(queue))
}

contract!(fresh);

const NOW: Receive = Receive {
    max: BATCH_MAX,
    visibility: VISIBILITY_DEFAULT,
    wait: Duration::ZERO,
};

fn message(body: &str) -> Outgoing {
    Outgoing {
        body: body.into(),
        ..Outgoing::default()
    }
}

#[tokio::test]
async fn instances_that_start_together_share_the_queues() {
    let sqs = TestSqs::fresh();
    let (one, two, three) = tokio::join!(open(sqs.url()), open(sqs.url()), open(sqs.url()));
    let id = Topic::Payments.queue();
    one.send(id, &[message("m")]).await.expect("sends");
    assert_eq!(two.depth(id).await.expect("depth").visible, 1);
    assert_eq!(three.receive(id, NOW).await.expect("receives").len(), 1);
}

#[tokio::test]
async fn queues_are_made_with_their_policies() {
    let sqs = TestSqs::fresh();
    let encrypted = Settings {
        encryption: Some("sqs".into()),
        ..settings(sqs.url())
    };
    let queue = SqsQueue::open(encrypted, true).await.expect("opens");
    for topic in Topic::ALL {
        let target = queue.target(topic.queue()).await.expect("a target");
        let answer = queue.client.get_queue_attributes();
        let answer = answer.queue_url(target.url());
        let answer = answer.attribute_names(QueueAttributeName::All).send().await;
        let attributes = answer.expect("answers").attributes.expect("attributes");
        let policy = &attributes[&QueueAttributeName::RedrivePolicy];
        let policy: serde_json::Value = serde_json::from_str(policy).expect("JSON");
        assert_eq!(policy["maxReceiveCount"], MAX_RECEIVES);
        let grave = policy["deadLetterTargetArn"].as_str().expect("a name");
        assert!(
            grave.ends_with(&format!("{}-dlq", topic.queue().name())),
            "{grave}"
        );
        assert_eq!(attributes[&QueueAttributeName::VisibilityTimeout], "30");
        assert_eq!(
            attributes[&QueueAttributeName::SqsManagedSseEnabled],
            "true"
        );
    }
}

#[tokio::test]
async fn a_queue_that_exists_is_used_and_given_a_redrive_policy() {
    let sqs = TestSqs::fresh();
    let lazy = SqsQueue::open(settings(sqs.url()), false)
        .await
        .expect("opens");
    let name = lazy.address.queue_name(Topic::Orders.queue());
    let made = lazy.client.create_queue().queue_name(&name);
    let made = made.attributes(QueueAttributeName::VisibilityTimeout, "7");
    let url = made.send().await.expect("makes").queue_url.expect("a URL");
    let target = lazy.target(Topic::Orders.queue()).await.expect("finds");
    assert_eq!(target.url(), url);
    let answer = lazy.client.get_queue_attributes().queue_url(url);
    let answer = answer.attribute_names(QueueAttributeName::All).send().await;
    let attributes = answer.expect("answers").attributes.expect("attributes");
    assert_eq!(attributes[&QueueAttributeName::VisibilityTimeout], "7");
    assert!(attributes.contains_key(&QueueAttributeName::RedrivePolicy));
}

#[tokio::test]
async fn a_second_purge_within_the_minute_purges_as_well() {
    let (_sqs, queue) = fresh().await;
    let id = Topic::Orders.queue();
    for round in 0..2 {
        let batch: Vec<_> = (0..BATCH_MAX)
            .map(|n| message(&format!("{round}.{n}")))
            .collect();
        queue.send(id, &batch).await.expect("sends");
        queue.purge(id).await.expect("purges");
        assert_eq!(queue.depth(id).await.expect("depth").total(), 0);
    }
}

#[tokio::test]
async fn a_peek_shows_more_than_one_batch_and_gives_all_back() {
    let (_sqs, queue) = fresh().await;
    let id = Topic::Orders.dead_letters();
    for batch in 0..3 {
        let batch: Vec<_> = (0..BATCH_MAX)
            .map(|n| message(&format!("{batch}.{n}")))
            .collect();
        queue.send(id, &batch).await.expect("sends");
    }
    let peeked = queue.peek(id, 25).await.expect("peeks");
    let mut bodies: Vec<_> = peeked.iter().map(|letter| letter.body.as_str()).collect();
    bodies.sort_unstable();
    bodies.dedup();
    assert_eq!(bodies.len(), 25, "each once");
    let depth = queue.depth(id).await.expect("depth");
    assert_eq!((depth.visible, depth.in_flight), (30, 0));
}

#[tokio::test]
async fn large_messages_are_sent_in_one_call_of_the_shop() {
    let (_sqs, queue) = fresh().await;
    let id = Topic::Orders.queue();
    let large = message(&"x".repeat(200 * 1024));
    queue.send(id, &vec![large; 4]).await.expect("sends");
    assert_eq!(queue.depth(id).await.expect("depth").visible, 4);
}

#[tokio::test]
async fn a_server_that_hangs_is_unavailable_and_used_again() {
    let server = SqsServer::start();
    let queue = open(&format!("{}/1/shop-", server.url())).await;
    let id = Topic::Orders.queue();
    server.pause();
    let refused = queue.depth(id).await;
    assert!(
        matches!(refused, Err(QueueError::Unavailable(_))),
        "{refused:?}"
    );
    server.resume();
    queue.send(id, &[message("back")]).await.expect("sends");
}

#[tokio::test]
async fn a_queue_that_is_deleted_is_made_again_with_its_dead_letters() {
    let sqs = TestSqs::fresh();
    let queue = open(sqs.url()).await;
    let id = Topic::Payments.queue();
    queue.send(id, &[message("lost")]).await.expect("sends");
    for gone in [id, Topic::Payments.dead_letters()] {
        let target = queue.target(gone).await.expect("a target");
        let request = queue.client.delete_queue().queue_url(target.url());
        request.send().await.expect("deletes");
    }
    let told = queue.send(id, &[message("refused")]).await;
    assert!(matches!(told, Err(QueueError::Gone(_))), "{told:?}");
    queue.send(id, &[message("kept")]).await.expect("sends");
    let mut receives = 0;
    while queue
        .depth(id.topic().dead_letters())
        .await
        .expect("depth")
        .total()
        == 0
    {
        let how = Receive {
            visibility: Duration::ZERO,
            ..NOW
        };
        for received in queue.receive(id, how).await.expect("receives") {
            assert_eq!(received.body, "kept");
        }
        receives += 1;
        assert!(receives < 20, "it has no dead-letter queue");
    }
}

#[tokio::test]
async fn a_queue_that_somebody_else_makes_again_is_used() {
    let sqs = TestSqs::fresh();
    let (one, two) = (open(sqs.url()).await, open(sqs.url()).await);
    let id = Topic::Orders.queue();
    let target = one.target(id).await.expect("a target");
    let request = one.client.delete_queue().queue_url(target.url());
    request.send().await.expect("deletes");
    let (first, second) = (one.depth(id).await, two.depth(id).await);
    assert!(matches!(first, Err(QueueError::Gone(_))), "{first:?}");
    assert!(matches!(second, Err(QueueError::Gone(_))), "{second:?}");
    one.send(id, &[message("m")]).await.expect("sends");
    assert_eq!(two.depth(id).await.expect("depth").visible, 1);
}
