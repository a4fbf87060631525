//! `worker`: parts of the pipeline without HTTP doors.

use super::common::CommonArgs;
use crate::role::PipelineRole;

/// Which parts of the pipeline to run.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct WorkerArgs {
    /// Queues to read, and other parts of the pipeline to run; separated by commas
    #[arg(
        long,
        value_name = "PART",
        value_enum,
        value_delimiter = ',',
        default_value = "orders"
    )]
    queues: Vec<PipelineRole>,
    /// Run every part
    #[arg(long, conflicts_with = "queues")]
    all: bool,
    #[command(flatten)]
    common: CommonArgs,
}

impl WorkerArgs {
    /// Works until told to stop.
    pub(super) fn run(self) -> anyhow::Result<()> {
        let mut config = self.common.config()?;
        config.services = Vec::new();
        config.roles = Some(match self.all {
            true => PipelineRole::all().collect(),
            false => self.queues,
        });
        self.common.run(config)
    }
}
