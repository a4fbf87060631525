//! The flags of `loadgen run` about how a target is reached: TLS, credentials, other places. They go before the scenario's.

use std::path::PathBuf;

use clap::Args;

use crate::scenario::{ConnectTo, Credentials, HttpVersion, Proxies, Scenario, TlsFiles};

/// How the target is reached
#[derive(Debug, Args)]
#[command(next_help_heading = "How the target is reached")]
pub struct ReachArgs {
    /// Trust the authorities in this PEM file in place of the system's (or of SSL_CERT_FILE)
    #[arg(long, visible_alias = "cacert", value_name = "FILE")]
    ca: Option<PathBuf>,

    /// Do not verify certificates; the run's record says so
    #[arg(long, short = 'k')]
    insecure: bool,

    /// Show this certificate (PEM, with those that lead to its authority) to targets that ask for one
    #[arg(long, value_name = "FILE")]
    client_cert: Option<PathBuf>,

    /// The certificate's key (PEM), if it is not in the same file
    #[arg(long, value_name = "FILE", requires = "client_cert")]
    client_key: Option<PathBuf>,

    /// Lowest TLS version, 1.2 or 1.3
    #[arg(long, value_name = "VERSION", value_parser = ["1.2", "1.3"])]
    tls_min_version: Option<String>,

    /// Send all requests through this HTTP proxy, or through those that HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY name
    #[arg(long, short = 'x', value_name = "URL|environment", value_parser = proxies)]
    proxy: Option<Proxies>,

    /// Speak HTTP/1.1 alone, over TLS too
    #[arg(long = "http1.1", conflicts_with = "http2")]
    http1: bool,

    /// Speak HTTP/2 alone, without TLS too; over TLS it is spoken anyway if the target chooses it
    #[arg(long, alias = "http2-prior-knowledge")]
    http2: bool,

    /// Basic authorization for the target; better in the environment than here: '${env.NAME}' in `http.auth` of a scenario
    #[arg(long, value_name = "USER:PASSWORD", value_parser = Credentials::of_pair)]
    user: Option<Credentials>,

    /// Connect to ADDRESS (or to one of several, with commas) for HOST:PORT, as curl does; may be repeated
    #[arg(long, value_name = "HOST:PORT:ADDRESS", value_parser = ConnectTo::resolve)]
    resolve: Vec<ConnectTo>,

    /// Connect to HOST2:PORT2 for HOST1:PORT1, as curl does; may be repeated
    #[arg(long, value_name = "HOST1:PORT1:HOST2:PORT2", value_parser = ConnectTo::connect)]
    connect_to: Vec<ConnectTo>,
}

impl ReachArgs {
    /// Changes the scenario; gives back every mistake.
    pub(super) fn apply(&self, scenario: &mut Scenario) -> Vec<String> {
        if let Some(credentials) = &self.user {
            scenario.authorize(credentials);
        }
        let rules = self.resolve.iter().chain(&self.connect_to).cloned();
        if let Some(proxies) = &self.proxy {
            let redactor = &mut scenario.secrets.redactor;
            proxies.secrets().for_each(|secret| redactor.learn(secret));
            scenario.http.proxies = proxies.clone();
        }
        scenario.http.proxies.note_ignored(variable);
        let http = &mut scenario.http;
        match (self.http1, self.http2) {
            (true, _) => http.version = HttpVersion::Http1,
            (_, true) => http.version = HttpVersion::Http2,
            _ => {}
        }
        http.connect_to = rules.chain(http.connect_to.drain(..)).collect();
        let files = TlsFiles {
            ca: self.ca.clone(),
            insecure: self.insecure,
            client_cert: self.client_cert.clone(),
            client_key: self.client_key.clone(),
            min_version: self.tls_min_version.clone(),
        };
        match http.tls.clone().with(&files) {
            Ok(tls) => {
                http.tls = tls;
                Vec::new()
            }
            Err(mistakes) => mistakes
                .into_iter()
                .map(|(key, message)| format!("error: --{key}: {message}"))
                .collect(),
        }
    }
}

fn proxies(text: &str) -> Result<Proxies, String> {
    Proxies::of_text(text, variable)
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
