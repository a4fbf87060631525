//! The order pipeline.

use std::sync::Arc;
use std::time::Duration;

use crate::config::Config;
use crate::context::Context;
use crate::service::Service;

/// How the pipeline and the simulated outside world behave.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Settings {}

/// What the pipeline and the services share: the queue and the providers.
#[derive(Clone)]
pub struct Resources {}

impl Resources {
    /// Opens the queue and the providers that the configuration names.
    pub fn open(_config: &Config) -> anyhow::Result<Resources> {
        Ok(Resources {})
    }

    /// Finishes what waits and closes the files. Blocks.
    pub fn close(&self) {}
}

/// The running parts of the pipeline; owns their tasks.
pub struct RunningPipeline {}

/// Starts the parts that belong to `services`.
pub fn start(_context: &Arc<Context>, _services: &[Service]) -> anyhow::Result<RunningPipeline> {
    Ok(RunningPipeline {})
}

impl RunningPipeline {
    /// Asks every part to stop, waits for at most `deadline`; true when all ended by themselves.
    pub async fn stop(self, _deadline: Duration) -> bool {
        true
    }
}
