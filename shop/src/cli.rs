//! The command line of the shop: one file for each command, with its flags and what it does.

mod common;
mod dlq;
mod health;
mod log_file;
mod migrate;
mod producer;
mod provider;
mod serve;
mod telemetry;
mod worker;

use dlq::DlqArgs;
use health::HealthArgs;
use migrate::MigrateArgs;
use producer::ProducerArgs;
use provider::ProviderArgs;
use serve::ServeArgs;
use worker::WorkerArgs;

/// Commands of the shop.
#[derive(Debug, clap::Args)]
pub struct ShopArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Runs the shop, whole or single services of it, until it is told to stop
    Serve(Box<ServeArgs>),
    /// Runs parts of the pipeline without HTTP doors; by default the queue worker, which stores each queued order once
    Worker(Box<WorkerArgs>),
    /// Puts generated orders on the orders queue, again and again
    Producer(Box<ProducerArgs>),
    /// Serves the simulated payment and mail providers behind the APIs of real ones
    Provider(Box<ProviderArgs>),
    /// Looks after messages that no consumer could handle
    #[command(alias = "dead-letters")]
    Dlq(Box<DlqArgs>),
    /// Asks a service whether it is well, as a container's health check does
    Health(HealthArgs),
    /// Looks after the schema of the databases
    Migrate(Box<MigrateArgs>),
}

impl ShopArgs {
    /// Does what the command says; returns when it is done or was told to stop.
    pub fn run(self) -> anyhow::Result<()> {
        match self.command {
            Command::Serve(args) => args.run(),
            Command::Worker(args) => args.run(),
            Command::Producer(args) => args.run(),
            Command::Provider(args) => args.run(),
            Command::Dlq(args) => runtime()?.block_on(args.run(&mut std::io::stdout())),
            Command::Health(args) => args.run(&mut std::io::stdout()),
            Command::Migrate(args) => runtime()?.block_on(args.run(&mut std::io::stdout())),
        }
    }
}

/// What a command needs that only asks and answers.
fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
}
