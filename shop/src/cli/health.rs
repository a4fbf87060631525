//! `health`: asks a process of the shop whether it is well, for containers that have no other program to ask with.

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde_json::Value;

use crate::service::Service;

/// Asks a process on this machine whether it is well; exit code 0 if so, else 1.
#[derive(Debug, clap::Args)]
pub(super) struct HealthArgs {
    /// The service, at its default port here
    #[arg(long, value_name = "NAME", default_value = "gateway")]
    service: Service,
    /// Ask this URL instead, such as `http://127.0.0.1:8000/health`
    #[arg(long, value_name = "URL", value_parser = plain_url, conflicts_with = "service")]
    url: Option<String>,
    /// Ask the process that wrote this file with its own `--ready-file`: it must be alive, and so must its services
    #[arg(long, value_name = "FILE", conflicts_with_all = ["service", "url"])]
    ready_file: Option<PathBuf>,
    /// Ask for readiness: whether it can do its work, not only whether it is alive
    #[arg(long, conflicts_with = "url")]
    ready: bool,
    /// Seconds to wait for the answer
    #[arg(long, value_name = "S", default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=60))]
    timeout_s: u64,
}

fn plain_url(text: &str) -> Result<String, String> {
    let url = text.parse::<http::Uri>();
    match url {
        Ok(url) if url.scheme_str() == Some("http") && url.host().is_some() => Ok(text.to_owned()),
        _ => Err("it must be a plain URL such as `http://127.0.0.1:8080/health`".to_owned()),
    }
}

impl HealthArgs {
    /// Writes `ok` and what was asked to `out`, or fails with what is wrong.
    pub(super) fn run(self, out: &mut impl Write) -> anyhow::Result<()> {
        let limit = Duration::from_secs(self.timeout_s);
        let urls = self.urls()?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        for url in &urls {
            runtime
                .block_on(async { tokio::time::timeout(limit, ask(url)).await })
                .with_context(|| format!("{url} did not answer within {} s", limit.as_secs()))??;
        }
        Ok(writeln!(out, "ok {}", urls.join(" "))?)
    }

    fn urls(&self) -> anyhow::Result<Vec<String>> {
        if let Some(file) = &self.ready_file {
            let urls = told_by(file)?;
            return Ok(urls.map(|url| format!("{url}/{}", self.route())).collect());
        }
        let route = self.route();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.service.default_port()));
        let url = self.url.clone();
        Ok(vec![
            url.unwrap_or_else(|| format!("http://{address}/{route}")),
        ])
    }

    fn route(&self) -> &'static str {
        if self.ready { "ready" } else { "health" }
    }
}

/// Where the living process that wrote the file listens; a worker listens nowhere.
fn told_by(file: &Path) -> anyhow::Result<impl Iterator<Item = String>> {
    let shown = file.display();
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("{shown} cannot be read; is the process ready?"))?;
    let told: Value =
        serde_json::from_str(&text).with_context(|| format!("{shown} is not a ready file"))?;
    let id = told["pid"]
        .as_i64()
        .and_then(|id| rustix::process::Pid::from_raw(i32::try_from(id).ok()?));
    let id = id.with_context(|| format!("{shown} is not a ready file"))?;
    rustix::process::test_kill_process(id)
        .with_context(|| format!("the process that wrote {shown} is gone"))?;
    let services = told["services"].as_object().cloned().unwrap_or_default();
    let urls = services.into_iter();
    Ok(urls.filter_map(|(_, url)| url.as_str().map(str::to_owned)))
}

/// A service that is well answers 200 and `{"ok": true, …}`; one that is ready, `{"ready": true, …}`.
async fn ask(url: &str) -> anyhow::Result<()> {
    // A proxy for the way out knows nothing of services on this machine.
    let client = reqwest::Client::builder().no_proxy().build()?;
    let answer = client.get(url).send().await;
    let answer =
        answer.with_context(|| format!("{url} cannot be reached; is the service running?"))?;
    let status = answer.status();
    let health: Option<Value> = answer.json().await.ok();
    let lacks = health.as_ref().map(lacks).unwrap_or_default();
    ensure!(
        lacks.is_empty(),
        "{url} says that it is not ready: it does not reach {}",
        lacks.join(", ")
    );
    ensure!(status.is_success(), "{url} answered {status}");
    let health =
        health.with_context(|| format!("{url} answered something else than a service's health"))?;
    let is_well = health["ok"] == true || health["ready"] == true;
    ensure!(is_well, "{url} says that it is not well");
    Ok(())
}

/// What a service that is not ready says that it cannot do without.
fn lacks(readiness: &Value) -> Vec<String> {
    let checks = readiness["checks"].as_array().into_iter().flatten();
    let missing = checks.filter(|check| check["required"] == true && check["ok"] == false);
    missing
        .filter_map(|check| check["name"].as_str())
        .map(str::to_owned)
        .collect()
}
