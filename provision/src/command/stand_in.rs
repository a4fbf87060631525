//! `stand-in`: serves until a signal.

use anyhow::Context as _;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use super::print;
use crate::cli;
use crate::exit::Exit;
use crate::stand_in::{Config, Failure, Faults, StandIn};
use crate::whole_file::replace;

/// `monitors stand-in`
pub(super) async fn run(args: cli::StandIn) -> anyhow::Result<Exit> {
    let kinds = if args.fail_kinds.is_empty() {
        Failure::ALL.to_vec()
    } else {
        args.fail_kinds.clone()
    };
    let config = Config {
        data: args.data.clone(),
        faults: Faults {
            latency_ms: args.latency,
            fail: args.fail,
            kinds,
            ..Faults::default()
        },
        keys: args.api_key.zip(args.app_key),
        limits: args.limits.into_iter().collect(),
        seed: args.seed,
    };
    let stand_in =
        StandIn::open(config).with_context(|| format!("--data {}", args.data.display()))?;
    let listener = TcpListener::bind((args.host, args.port))
        .await
        .with_context(|| format!("--host {} --port {}", args.host, args.port))?;
    let url = format!("http://{}", listener.local_addr()?);
    let (mut interrupt, mut terminate) = (
        signal(SignalKind::interrupt())?,
        signal(SignalKind::terminate())?,
    );
    if let Some(file) = &args.ready_file {
        replace(file, url.as_bytes())
            .with_context(|| format!("--ready-file {}", file.display()))?;
    }
    print(&format!("{url}\n"))?;
    let shutdown = async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    };
    stand_in.serve(listener, shutdown).await?;
    Ok(Exit::Ok)
}
