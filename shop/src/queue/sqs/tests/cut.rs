//! A send that is cut off may have been carried out or not. Sent again, all of it is there, and nothing is in its way.

use std::collections::BTreeSet;
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use super::*;

/// A send waits less often than that, also when it has to find its queues first.
const WAITS_MAX: u32 = 4_096;

/// Polls the work so often at most, then drops it where it waits.
async fn cut_after<T>(polls: u32, work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    let mut left = polls;
    poll_fn(|cx| {
        left -= 1;
        match work.as_mut().poll(cx) {
            Poll::Ready(outcome) => Poll::Ready(Some(outcome)),
            Poll::Pending if left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// Cuts a send of two messages after so many polls and sends them again. Whether the first came to its end.
async fn cut_and_send_again(queue: &SqsQueue, polls: u32) -> bool {
    let id = Topic::Orders.queue();
    let bodies = ["one", "two"].map(|name| format!("{name} of {polls}"));
    let batch = bodies.each_ref().map(|body| message(body));
    let cut = cut_after(polls, queue.send(id, &batch)).await;
    match &cut {
        Some(sent) => assert!(sent.is_ok(), "{sent:?}"),
        None => {
            let again = queue.send(id, &batch).await;
            assert!(again.is_ok(), "{again:?} after a cut at wait {polls}");
        }
    }
    let mut there = BTreeSet::new();
    loop {
        let received = queue.receive(id, NOW).await.expect("receives");
        if received.is_empty() {
            break;
        }
        let (receipts, found): (Vec<_>, Vec<_>) = received
            .into_iter()
            .map(|received| (received.receipt, received.body))
            .unzip();
        // Some twice, or late out of a request that was cut off: their ids make that harmless.
        there.extend(found);
        queue.delete(id, &receipts).await.expect("deletes");
    }
    let missing: Vec<_> = bodies
        .iter()
        .filter(|body| !there.contains(*body))
        .collect();
    assert!(
        missing.is_empty(),
        "{missing:?} after a cut at wait {polls}"
    );
    cut.is_some()
}

#[tokio::test]
async fn a_send_that_was_cut_anywhere_is_whole_when_it_is_sent_again() {
    let sqs = TestSqs::fresh();
    let queue = open(sqs.url()).await;
    let mut polls = 1;
    while !cut_and_send_again(&queue, polls).await {
        polls += 1;
        assert!(polls < WAITS_MAX, "it never comes to its end");
    }
    assert!(polls > 1, "it was never cut");
}

#[tokio::test]
async fn a_send_that_was_cut_while_it_looked_for_its_queue_is_no_failed_search() {
    let sqs = TestSqs::fresh();
    let mut polls = 1;
    loop {
        let lazy = SqsQueue::open(settings(sqs.url()), false);
        let lazy = lazy.await.expect("opens");
        if cut_and_send_again(&lazy, polls).await {
            break;
        }
        polls *= 2;
        assert!(polls < WAITS_MAX, "it never comes to its end");
    }
}
