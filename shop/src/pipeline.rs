//! The order pipeline: what happens after an order was acknowledged.
//!
//! Parts talk through the queue alone and change orders through [`PipelineStore`] alone, where effect,
//! memory of the event and the events that follow are one transaction. So any message may arrive any
//! number of times, in any order. Nothing here answers HTTP.
//!
//! Which role runs beside which service is decided once, in [`crate::role`].
//!
//! [`PipelineStore`]: crate::store::PipelineStore

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::context::Context;
use crate::service::Service;

mod consumer;
mod dead_letters;
#[cfg(test)]
mod disorder;
mod intake;
pub(crate) mod intents;
mod inventory;
mod message;
pub(crate) mod meter;
mod notifications;
pub(crate) mod payments;
pub mod producer;
mod relay;
mod role_context;
mod start;
mod sweeps;

pub(crate) use dead_letters::unread_reason;

use role_context::RoleContext;

/// The running parts of the pipeline; owns their tasks.
pub struct RunningPipeline {
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

/// Starts the parts that the configuration gives to this process.
pub fn start(context: &Arc<Context>) -> anyhow::Result<RunningPipeline> {
    let (stop, stopped) = watch::channel(false);
    let mut tasks = JoinSet::new();
    let roles = context.config.roles();
    for service in Service::all() {
        let mut mine = roles
            .iter()
            .filter(|role| role.service() == service)
            .peekable();
        if mine.peek().is_some() {
            let shared = Arc::new(RoleContext::new(
                Arc::clone(context),
                service,
                stopped.clone(),
            ));
            mine.for_each(|role| start::start(*role, &mut tasks, &shared));
        }
    }
    Ok(RunningPipeline { stop, tasks })
}

impl RunningPipeline {
    /// Asks every part to stop and waits for at most `deadline`; true when all ended by themselves.
    /// What is cut off is delivered again.
    pub async fn stop(mut self, deadline: Duration) -> bool {
        self.stop.send_replace(true);
        let ended = tokio::time::timeout(deadline, join_all(&mut self.tasks)).await;
        if ended.is_err() {
            tracing::warn!(left = self.tasks.len(), "the pipeline did not end in time");
            self.tasks.shutdown().await;
        }
        ended.is_ok()
    }
}

async fn join_all(tasks: &mut JoinSet<()>) {
    while let Some(ended) = tasks.join_next().await {
        if let Err(error) = ended {
            tracing::error!(%error, "a part of the pipeline panicked");
        }
    }
}
