//! `producer`: puts generated orders on the orders queue, as a scheduled job does.

use std::num::NonZeroU64;
use std::path::PathBuf;
use std::time::Duration;

use super::common::{End, ProcessArgs};
use crate::backends::BackendArgs;
use crate::clock::now_ms;
use crate::config::Config;
use crate::config::pipeline::parse_interval;
use crate::fault::Faults;
use crate::observe::Observer;
use crate::pipeline::producer::Producer;
use crate::server::open_queue;
use crate::service::Service;
use crate::warning::RepeatedWarning;

/// How often, how many, and which orders.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct ProducerArgs {
    /// Put an order on the queue this often; the first at once
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = parse_interval)]
    every: Duration,
    /// Stop after this many orders
    #[arg(long, value_name = "N")]
    count: Option<NonZeroU64>,
    /// The same seed makes the same orders, which are stored once however often they are made [default: another each time]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// The orders hold products 1 to N
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    products: u32,
    /// Folder of the shop's data
    #[arg(
        long,
        value_name = "DIR",
        default_value = "shop-data",
        env = "SHOP_DATA"
    )]
    data: PathBuf,
    #[command(flatten)]
    process: ProcessArgs,
    #[command(flatten)]
    backends: BackendArgs,
}

impl ProducerArgs {
    /// Produces until told to stop, or until there are enough.
    pub(super) fn run(self) -> anyhow::Result<()> {
        self.process.run(async |process, sinks| {
            let mut config = Config::new(&self.data);
            config.telemetry = sinks;
            config.backends = self.backends.backends()?;
            crate::private::create_dir_all(&self.data)?;
            let (queue, close) = open_queue(&config, &Faults::default()).await?;
            let end = process.end()?;
            process.ready(std::iter::empty())?;
            let seed = self.seed.unwrap_or_else(|| now_ms().unsigned_abs());
            let producer = Producer::new(queue, seed, self.products);
            let produced = self.produce(producer, &config, end).await;
            close().await;
            produced
        })
    }

    async fn produce(
        &self,
        mut producer: Producer,
        config: &Config,
        mut end: End,
    ) -> anyhow::Result<()> {
        let observer = Observer::new(Service::Orders, &config.env, &config.telemetry)?;
        let trouble = RepeatedWarning::new();
        let mut left = self.count.map(NonZeroU64::get);
        let mut ticks = tokio::time::interval(self.every);
        // After an outage of the queue the orders go on; they are not made up for.
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        while left != Some(0) {
            tokio::select! {
                _ = end.wait() => return Ok(()),
                _ = ticks.tick() => {}
            }
            let at = observer.tracer.background().clone();
            match at.attach(producer.produce()).await {
                Ok(order_id) => {
                    tracing::info!(%order_id, "an order was produced");
                    left = left.map(|left| left - 1);
                }
                Err(error) => trouble.failed(|suppressed| {
                    tracing::warn!(%error, suppressed, "an order could not be produced");
                }),
            }
        }
        Ok(())
    }
}
