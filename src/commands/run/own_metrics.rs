//! Flags about the metrics that a run serves of itself.

use std::net::SocketAddr;

use crate::run::OwnMetricsSpec;

/// Flags about the run's own metrics.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct OwnMetricsArgs {
    /// Serve the run's own metrics at this address of this machine, for Prometheus: 127.0.0.1:9464, or port 0 for a free one
    #[arg(long, value_name = "HOST:PORT", value_parser = own_address)]
    metrics_listen: Option<SocketAddr>,

    /// Name of the environment in these metrics
    #[arg(
        long = "metrics-env",
        value_name = "NAME",
        default_value = "dev",
        env = "DD_ENV"
    )]
    env: String,
}

/// Whoever can read the metrics learns what is tested and how: other machines cannot.
fn own_address(text: &str) -> Result<SocketAddr, String> {
    let address: SocketAddr = text
        .parse()
        .map_err(|_| "write an address and a port, such as 127.0.0.1:9464".to_owned())?;
    match address.ip().is_loopback() {
        true => Ok(address),
        false => Err(
            "the metrics of a run are for this machine alone; use 127.0.0.1, and a proxy in front of it for others"
                .to_owned(),
        ),
    }
}

impl OwnMetricsArgs {
    /// The environment that a run calls its own.
    pub(super) fn env(&self) -> &str {
        &self.env
    }

    /// What they ask for.
    pub(super) fn spec(&self) -> OwnMetricsSpec {
        OwnMetricsSpec {
            listen: self.metrics_listen,
            env: self.env.clone(),
        }
    }
}
