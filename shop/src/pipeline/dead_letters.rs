//! The dead-letter handler: watches every queue, reports each dead letter once, and gives letters that
//! can be read another chance, since the cause may have been an outage or a crash.
//!
//! Letters that cannot be read stay until somebody looks at them.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use telemetry::catalogue::span_name;
use telemetry::span::{Delivery, OpenSpan};

use super::intake;
use super::role_context::RoleContext;
use crate::event::Event;
use crate::queue::{
    self, ATTRIBUTES_MAX, Attributes, BATCH_MAX, Outgoing, Peeked, QueueError, Receive, Received,
    Topic, VISIBILITY_DEFAULT,
};
use crate::warning::RepeatedWarning;

/// How often depths are read.
const WATCH_INTERVAL: Duration = Duration::from_secs(1);
/// Letters looked at in one round.
const LETTERS_MAX: usize = 100;
/// Letters remembered as reported; of more than that, some are reported again.
const REPORTED_MAX: usize = 1_000;
/// How often a letter gets another chance before it is left for people.
const REDRIVES_MAX: u32 = 5;
/// The attribute that counts those chances.
const REDRIVES_ATTRIBUTE: &str = "redrives";

/// Watches until the role has to stop.
pub(super) async fn run(role: Arc<RoleContext>) {
    let redrive_after = role.context.config.pipeline.redrive_after;
    let mut reported = Reported::default();
    let mut redriven = Instant::now();
    let trouble = RepeatedWarning::of_rounds(WATCH_INTERVAL);
    let redrive_trouble = RepeatedWarning::new();
    loop {
        match watch_all(&role, &mut reported).await {
            Ok(()) => {
                trouble.recovered(|failures| tracing::info!(failures, "queues are watched again"));
            }
            Err(error) => trouble.failed(|suppressed| {
                tracing::warn!(%error, suppressed, "cannot watch the queues");
            }),
        }
        if redriven.elapsed() >= redrive_after {
            redriven = Instant::now();
            redrive_all(&role, &redrive_trouble).await;
        }
        if !role.rest(WATCH_INTERVAL.min(redrive_after)).await {
            return;
        }
    }
}

/// Looks at every queue; the error of the first that cannot be looked at.
async fn watch_all(role: &RoleContext, reported: &mut Reported) -> Result<(), QueueError> {
    let mut outcome = Ok(());
    for topic in Topic::ALL {
        let watched = watch(role, topic, reported).await;
        outcome = outcome.and(watched);
    }
    outcome
}

async fn watch(
    role: &RoleContext,
    topic: Topic,
    reported: &mut Reported,
) -> Result<(), QueueError> {
    let depth = role.queue().depth(topic.queue()).await?;
    role.meter.queue_depth(topic.queue().name(), &depth);
    let dead = role.queue().depth(topic.dead_letters()).await?;
    role.meter.dead_letters(topic.queue().name(), dead.total());
    if dead.total() == 0 {
        return Ok(());
    }
    let letters = role.queue().peek(topic.dead_letters(), LETTERS_MAX).await?;
    for letter in letters.iter().filter(|l| reported.is_new(topic, &l.id)) {
        let span = open_span(role, topic, &letter.id, &letter.attributes);
        span.in_scope(|| report(role, topic, letter));
    }
    Ok(())
}

/// The handler's work on one letter, in the trace that the letter belongs to.
fn open_span(role: &RoleContext, topic: Topic, id: &str, attributes: &Attributes) -> OpenSpan {
    role.tracer.consumer(
        span_name::DEAD_LETTER_PROCESS,
        &Delivery {
            system: role.queue().system(),
            queue: topic.dead_letters().name(),
            message_id: id,
            attributes,
        },
    )
}

fn report(role: &RoleContext, topic: Topic, letter: &Peeked) {
    let event = serde_json::from_str::<Event>(&letter.body).ok();
    let reason = if is_readable(topic, &letter.body) {
        "failed"
    } else {
        "unreadable"
    };
    role.meter.dead_letter(topic.queue().name(), reason);
    tracing::error!(
        queue = topic.queue().name(),
        reason,
        message_id = %letter.id,
        event_type = event.as_ref().map(|event| event.kind.as_str()),
        order_id = event.as_ref().map(|event| event.order_id.to_string()),
        sent_at_ms = letter.sent_at_ms,
        "a message is dead"
    );
}

async fn redrive_all(role: &RoleContext, trouble: &RepeatedWarning) {
    for topic in Topic::ALL {
        match redrive_readable(role, topic).await {
            Ok(0) => {}
            Ok(count) => {
                tracing::info!(
                    count,
                    queue = topic.queue().name(),
                    "dead letters get another chance"
                );
            }
            Err(error) => trouble.failed(|suppressed| {
                let queue = topic.queue().name();
                tracing::warn!(%error, suppressed, queue, "cannot redrive dead letters");
            }),
        }
    }
}

/// Sends readable letters back to their queue. The others reappear after the visibility timeout.
async fn redrive_readable(role: &RoleContext, topic: Topic) -> Result<usize, QueueError> {
    let mut count = 0;
    for _ in 0..LETTERS_MAX / BATCH_MAX {
        let how = Receive {
            max: BATCH_MAX,
            visibility: VISIBILITY_DEFAULT,
            wait: Duration::ZERO,
        };
        let letters = role.queue().receive(topic.dead_letters(), how).await?;
        if letters.is_empty() {
            break;
        }
        for letter in letters {
            count += usize::from(redrive_one(role, topic, letter).await?);
        }
    }
    Ok(count)
}

async fn redrive_one(
    role: &RoleContext,
    topic: Topic,
    letter: Received,
) -> Result<bool, QueueError> {
    let chances = letter
        .attributes
        .get(REDRIVES_ATTRIBUTE)
        .and_then(|count| count.parse::<u32>().ok())
        .unwrap_or(0);
    if !is_readable(topic, &letter.body) || chances >= REDRIVES_MAX {
        return Ok(false);
    }
    let span = open_span(role, topic, &letter.id, &letter.attributes);
    let mut message = queue::again(&letter);
    message
        .attributes
        .insert(REDRIVES_ATTRIBUTE.into(), (chances + 1).to_string());
    continue_trace(&span, &mut message);
    let redriven = async {
        // Sent before deleted: a crash in between makes a duplicate, never a loss.
        role.queue().send(topic.queue(), &[message]).await?;
        role.queue()
            .delete(topic.dead_letters(), &[letter.receipt])
            .await
    };
    span.run(redriven).await?;
    Ok(true)
}

/// Whoever handles the message works below the handler; a message that is full already keeps what it says.
fn continue_trace(span: &OpenSpan, message: &mut Outgoing) {
    let mut attributes = message.attributes.clone();
    if let Some(context) = span.context() {
        context.inject_attributes(&mut attributes);
    }
    if attributes.len() <= ATTRIBUTES_MAX {
        message.attributes = attributes;
    }
}

/// Whether a consumer could read the message: then something else was in its way.
fn is_readable(topic: Topic, body: &str) -> bool {
    unread_reason(topic, body).is_none()
}

/// Why no consumer can read the message; `None` when it can.
pub(crate) fn unread_reason(topic: Topic, body: &str) -> Option<String> {
    match topic {
        Topic::Orders => intake::unread_reason(body),
        _ => serde_json::from_str::<Event>(body)
            .err()
            .map(|error| format!("the body is no event: {error}")),
    }
}

/// The letters that were reported, newest last.
#[derive(Default)]
struct Reported(VecDeque<(Topic, String)>);

impl Reported {
    /// True the first time.
    fn is_new(&mut self, topic: Topic, id: &str) -> bool {
        if self.0.iter().any(|(t, known)| *t == topic && known == id) {
            return false;
        }
        if self.0.len() == REPORTED_MAX {
            self.0.pop_front();
        }
        self.0.push_back((topic, id.to_owned()));
        true
    }
}
