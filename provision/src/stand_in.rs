//! A stand-in of the Datadog API: monitors, SLOs and their corrections, dashboards and lists of them, downtimes of
//! both versions, kept in a directory. For tests, for
//! demonstrations and for people without an org. A client made for the API should not notice the difference in
//! these areas.
//!
//! In reading order: [`Faults`] and [`Limit`] are its knobs, [`StandIn`] serves. Beside the API stand control routes
//! under `/_control`, which no client of the API asks for.

mod answer;
mod corrections;
mod dashboard_lists;
mod dashboard_rules;
mod dashboards;
mod downtimes;
mod downtimes_v1;
mod faults;
mod limits;
mod monitor_options;
mod monitor_rules;
mod monitor_search;
mod monitors;
mod org;
mod server;
mod slo_history;
mod slo_rules;
mod slos;

use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::path::PathBuf;

use tokio::net::TcpListener;

pub use faults::{Failure, Faults};
pub use limits::Limit;

/// How a stand-in is set up.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// Where its state is kept; made if it does not exist.
    pub data: PathBuf,
    /// What goes wrong from the start.
    pub faults: Faults,
    /// Rate limits that differ from the defaults, by name.
    pub limits: BTreeMap<String, Limit>,
    /// The pair of keys to accept; any that are not empty when it is absent.
    pub keys: Option<(String, String)>,
    /// What failures are drawn from.
    pub seed: u64,
}

/// A stand-in, ready to serve.
#[derive(Debug)]
pub struct StandIn {
    server: server::Server,
}

impl StandIn {
    /// Opens its state.
    ///
    /// # Errors
    ///
    /// When the directory cannot be read or written, or holds something else.
    pub fn open(config: Config) -> io::Result<Self> {
        let org = org::Org::open(&config.data)?;
        Ok(Self {
            server: server::Server::new(org, config),
        })
    }

    /// Serves until `shutdown` is ready. State needs no saving then: it was saved before each answer.
    ///
    /// # Errors
    ///
    /// When the listener fails.
    pub async fn serve(
        self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()>,
    ) -> io::Result<()> {
        self.server.serve(listener, shutdown).await
    }
}
