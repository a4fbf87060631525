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
        PipelineRole::Relay => spawn(tasks, context, relay::run(own)),
        PipelineRole::Orders => consume(tasks, context, Intake::new(own)),
        PipelineRole::Payments => consume(tasks, context, Payments::new(own)),
        PipelineRole::Inventory => consume(tasks, context, Inventory::new(own)),
        PipelineRole::Notifications => consume(tasks, context, Notifications::new(own)),
        PipelineRole::OrderUpkeep => spawn(tasks, context, sweeps::run_orders(own)),
        PipelineRole::PaymentUpkeep => spawn(tasks, context, sweeps::run_intents(own)),
        PipelineRole::DeadLetters => spawn(tasks, context, dead_letters::run(own)),
        PipelineRole::Producer => {
            if let Some(every) = context.context.config.pipeline.produce_every {
                spawn(tasks, context, producer::run(own, every));
            }
        }
    }
}

fn consume(tasks: &mut JoinSet<()>, context: &Arc<RoleContext>, handler: impl Handle) {
    let consumer = Consumer::new(Arc::clone(context), Arc::new(handler));
    spawn(tasks, context, consumer.run());
}

/// What a role does is its service's, also where it belongs to no order: in logs, and in the traces that it begins.
fn spawn(
    tasks: &mut JoinSet<()>,
    context: &RoleContext,
    role: impl Future<Output = ()> + Send + 'static,
) {
    tasks.spawn(context.tracer.background().attach(role));
}
