//! How each role of the pipeline is started. What the roles are stands in [`crate::role`].

use std::sync::Arc;

use tokio::task::JoinSet;

use super::consumer::{Consumer, Handle};
use super::intake::Intake;
use super::inventory::Inventory;
use super::notifications::Notifications;
use super::payments::Payments;
use super::role_context::RoleContext;
use super::{dead_letters, producer, relay, sweeps};
use crate::role::PipelineRole;

/// Starts one role as one of the `tasks`.
pub(super) fn start(role: PipelineRole, tasks: &mut JoinSet<()>, context: &Arc<RoleContext>) {
    let own = Arc::clone(context);
    match role {
        PipelineRole::Relay => drop(tasks.spawn(relay::run(own))),
        PipelineRole::Orders => consume(tasks, context, Intake::new(own)),
        PipelineRole::Payments => consume(tasks, context, Payments::new(own)),
        PipelineRole::Inventory => consume(tasks, context, Inventory::new(own)),
        PipelineRole::Notifications => consume(tasks, context, Notifications::new(own)),
        PipelineRole::OrderUpkeep => drop(tasks.spawn(sweeps::run_orders(own))),
        PipelineRole::PaymentUpkeep => drop(tasks.spawn(sweeps::run_intents(own))),
        PipelineRole::DeadLetters => drop(tasks.spawn(dead_letters::run(own))),
        PipelineRole::Producer => {
            if let Some(every) = context.context.config.pipeline.produce_every {
                tasks.spawn(producer::run(own, every));
            }
        }
    }
}

fn consume(tasks: &mut JoinSet<()>, context: &Arc<RoleContext>, handler: impl Handle) {
    let consumer = Consumer::new(Arc::clone(context), Arc::new(handler));
    tasks.spawn(consumer.run());
}
