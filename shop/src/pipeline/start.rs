//! How each role of the pipeline is started. What the roles are stands in [`crate::role`].

use std::sync::Arc;

use tokio::task::JoinSet;

use super::consumer::{Consumer, Handle};
use super::intake::Intake;
use super::inventory::Inventory;
use super::notifications::Notifications;
use super::part::Part;
use super::payments::Payments;
use super::{dead_letters, producer, relay, sweeps};
use crate::role::Duty;

/// Starts one role as a task among `parts`.
pub(super) fn start(duty: Duty, parts: &mut JoinSet<()>, part: &Arc<Part>) {
    let own = Arc::clone(part);
    match duty {
        Duty::Relay => drop(parts.spawn(relay::run(own))),
        Duty::Orders => consume(parts, part, Intake::new(own)),
        Duty::Payments => consume(parts, part, Payments::new(own)),
        Duty::Inventory => consume(parts, part, Inventory::new(own)),
        Duty::Notifications => consume(parts, part, Notifications::new(own)),
        Duty::OrderUpkeep => drop(parts.spawn(sweeps::run_orders(own))),
        Duty::PaymentUpkeep => drop(parts.spawn(sweeps::run_intents(own))),
        Duty::DeadLetters => drop(parts.spawn(dead_letters::run(own))),
        Duty::Producer => {
            if let Some(every) = part.context.config.pipeline.produce_every {
                parts.spawn(producer::run(own, every));
            }
        }
    }
}

fn consume(parts: &mut JoinSet<()>, part: &Arc<Part>, handler: impl Handle) {
    let consumer = Consumer::new(Arc::clone(part), Arc::new(handler));
    parts.spawn(consumer.run());
}
