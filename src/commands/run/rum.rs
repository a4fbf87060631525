//! Where the RUM events of a run go.

use clap::ValueEnum;

use crate::rum::settings::{RumSpec, Set};

/// Where the RUM events of shoppers go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum RumMode {
    /// To an intake if the environment names one, otherwise into rum.jsonl of the run folder
    Auto,
    /// Into rum.jsonl of the run folder
    File,
    /// Nowhere; none are made
    Off,
}

/// Flags about RUM events.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct RumArgs {
    /// Where the RUM events of shoppers' browsers go. An intake is named by DD_RUM_CLIENT_TOKEN, DD_RUM_APPLICATION_ID and DD_SITE
    /// in the environment, or by --rum-proxy
    #[arg(long = "rum", value_enum, value_name = "WHERE", default_value = "auto")]
    rum_mode: RumMode,

    /// Send RUM events through this proxy, in the form of the browser SDK's proxies (?ddforward=…)
    #[arg(
        long = "rum-proxy",
        value_name = "URL",
        env = "DD_RUM_PROXY_URL",
        hide_env_values = true
    )]
    rum_proxy: Option<String>,
}

impl RumArgs {
    /// What they ask for, with what the environment says of it.
    ///
    /// # Errors
    /// Everything that is wrong, a line each.
    pub(super) fn spec(&self, env: &str) -> Result<Option<RumSpec>, String> {
        let variable = |name: &str| std::env::var(name).ok();
        let set = match self.rum_mode {
            RumMode::Off => return Ok(None),
            RumMode::File => Set::default(),
            RumMode::Auto => Set {
                site: variable("DD_SITE"),
                client_token: variable("DD_RUM_CLIENT_TOKEN"),
                application_id: variable("DD_RUM_APPLICATION_ID"),
                proxy_url: self.rum_proxy.clone(),
                ..Set::default()
            },
        };
        let set = Set {
            env: env.to_owned(),
            version: variable("DD_VERSION"),
            ..set
        };
        RumSpec::of(set).map(Some).map_err(|problems| {
            let lines = problems.iter().map(|problem| format!("error: {problem}"));
            lines.collect::<Vec<_>>().join("\n")
        })
    }
}
