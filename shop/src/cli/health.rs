//! `health`: asks a service whether it is well, for containers that have no other program to ask with.

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde_json::Value;

use super::PeerUrl;
use crate::service::Service;

/// Asks a service on this machine whether it is well; exit code 0 if so, else 1.
#[derive(Debug, clap::Args)]
pub(super) struct HealthArgs {
    /// The service, at its default port here
    #[arg(long, value_name = "NAME", default_value = "gateway")]
    service: Service,
    /// Ask this URL instead, such as `http://127.0.0.1:8000/health`
    #[arg(long, value_name = "URL", conflicts_with = "service")]
    url: Option<PeerUrl>,
    /// Seconds to wait for the answer
    #[arg(long, value_name = "S", default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=60))]
    timeout_s: u64,
}

impl HealthArgs {
    /// Writes `ok` and the URL to `out`, or fails with what is wrong.
    pub(super) fn run(self, out: &mut impl Write) -> anyhow::Result<()> {
        let url = self.target();
        let limit = Duration::from_secs(self.timeout_s);
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?
            .block_on(async { tokio::time::timeout(limit, ask(&url)).await })
            .with_context(|| format!("{url} did not answer within {} s", limit.as_secs()))??;
        Ok(writeln!(out, "ok {url}")?)
    }

    fn target(&self) -> String {
        match &self.url {
            Some(url) => url.0.clone(),
            None => {
                let port = self.service.default_port();
                let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
                format!("http://{address}/health")
            }
        }
    }
}

/// A service that is well answers 200 and `{"ok": true, …}`.
async fn ask(url: &str) -> anyhow::Result<()> {
    // A proxy for the way out knows nothing of services on this machine.
    let client = reqwest::Client::builder().no_proxy().build()?;
    let answer = client.get(url).send().await;
    let answer =
        answer.with_context(|| format!("{url} cannot be reached; is the service running?"))?;
    let status = answer.status();
    ensure!(status.is_success(), "{url} answered {status}");
    let health: Value = answer
        .json()
        .await
        .with_context(|| format!("{url} answered something else than a service's health"))?;
    ensure!(health["ok"] == true, "{url} says that it is not well");
    Ok(())
}
