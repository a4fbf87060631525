//! `provider`: the simulated payment and mail providers as a process of their own, behind the APIs that real ones have.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::net::TcpListener;

use super::common::ProcessArgs;
use crate::blocking::off_thread;
use crate::config::pipeline::parse_share;
use crate::db::Durability;
use crate::duration::parse_duration;
use crate::provider::server::{Setup, WebhookTarget, serve};
use crate::provider::simulated::{Behaviour, SimulatedProviders};
use crate::secret::Secret;

/// How the outside world behaves.
#[derive(Clone, clap::Args)]
pub(super) struct ProviderArgs {
    /// Port to listen on; 0 takes a free one
    #[arg(long, value_name = "N", default_value_t = 3900)]
    port: u16,
    /// Address to listen on
    #[arg(long, value_name = "ADDRESS", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    bind: IpAddr,
    /// Folder for its books
    #[arg(long, value_name = "DIR", default_value = "provider-data")]
    data: PathBuf,
    /// Where the shop wants to be told: its `/api/payment/webhook`; needs WEBHOOK_SECRET
    #[arg(long, value_name = "URL")]
    webhook_url: Option<String>,
    /// Seed of all chance
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Half of all payment calls are faster than this
    #[arg(long, value_name = "DURATION", default_value = "40ms", value_parser = parse_duration)]
    payment_latency: Duration,
    /// Half of all mail calls are faster than this
    #[arg(long, value_name = "DURATION", default_value = "25ms", value_parser = parse_duration)]
    mail_latency: Duration,
    /// Share of charges of methods on file that are declined, 0 to 1
    #[arg(long, value_name = "SHARE", default_value = "0", value_parser = parse_share)]
    decline_share: f64,
    /// Share of mails that are refused, 0 to 1
    #[arg(long, value_name = "SHARE", default_value = "0", value_parser = parse_share)]
    mail_rejection_share: f64,
    /// The key that payment calls must show; any will do without it
    #[arg(
        long,
        hide = true,
        env = "PAYMENT_PROVIDER_KEY",
        hide_env_values = true
    )]
    payment_key: Option<String>,
    /// The key that mail calls must show; any will do without it
    #[arg(long, hide = true, env = "MAIL_PROVIDER_KEY", hide_env_values = true)]
    mail_key: Option<String>,
    /// Signs webhooks; the shop has the same
    #[arg(long, hide = true, env = "WEBHOOK_SECRET", hide_env_values = true)]
    webhook_secret: Option<String>,
    #[command(flatten)]
    process: ProcessArgs,
}

impl std::fmt::Debug for ProviderArgs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ProviderArgs(…)")
    }
}

impl ProviderArgs {
    /// Serves until told to stop.
    pub(super) fn run(self) -> anyhow::Result<()> {
        let setup = self.setup()?;
        self.process.run(async |process, _| {
            let mut end = process.end()?;
            let address = SocketAddr::new(self.bind, self.port);
            let listener = TcpListener::bind(address).await.with_context(|| {
                format!("cannot listen on {address}; choose another port with `--port`")
            })?;
            let world = Arc::new(self.open().await?);
            let provider = serve(listener, Arc::clone(&world), setup)?;
            let url = format!("http://{}", provider.address);
            tracing::info!(url, "listening");
            process.ready([("provider", url.as_str())].into_iter())?;
            end.wait().await;
            provider.stop().await;
            off_thread(move || world.close()).await
        })
    }

    fn setup(&self) -> anyhow::Result<Setup> {
        let webhook = match &self.webhook_url {
            None => None,
            Some(url) => {
                let valid = url.parse::<http::Uri>().is_ok_and(|uri| {
                    matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some()
                });
                anyhow::ensure!(
                    valid,
                    "`--webhook-url` must be a URL such as http://127.0.0.1:5921/api/payment/webhook"
                );
                let secret = Secret::given(self.webhook_secret.as_deref());
                Some(WebhookTarget {
                    url: url.clone(),
                    secret: secret.context(
                        "`--webhook-url` needs WEBHOOK_SECRET in the environment, the same as the shop's",
                    )?,
                })
            }
        };
        Ok(Setup {
            payment_key: Secret::given(self.payment_key.as_deref()),
            mail_key: Secret::given(self.mail_key.as_deref()),
            webhook,
        })
    }

    async fn open(&self) -> anyhow::Result<SimulatedProviders> {
        let data = self.data.clone();
        let behaviour = Behaviour {
            seed: self.seed,
            payment_latency_median: self.payment_latency,
            mail_latency_median: self.mail_latency,
            decline_share: self.decline_share,
            mail_rejection_share: self.mail_rejection_share,
        };
        off_thread(move || {
            crate::private::create_dir_all(&data)
                .with_context(|| format!("cannot make the folder {}", data.display()))?;
            let path = data.join("provider.db");
            Ok(SimulatedProviders::open(
                &path,
                Durability::Process,
                behaviour,
            )?)
        })
        .await?
    }
}
