//! What is observed and where it goes, as flags and variables say it; starts telemetry for a process.

use std::path::PathBuf;

use telemetry::settings::{Environment, Settings};
use telemetry::start::StartError;
use telemetry::{Guard, Identity};

use super::log_file::LogFileArgs;

/// The environment that telemetry names when nobody says which one it is.
const ENV_DEFAULT: &str = "dev";

/// Variables that people set for other programs of the kind, and what to do instead.
const NOT_READ: [(&str, &str); 3] = [
    (
        "DD_TRACE_AGENT_URL",
        "spans leave in OTLP: set OTEL_EXPORTER_OTLP_ENDPOINT to the Agent's, http://HOST:4318",
    ),
    ("SENTRY_DSN_GATEWAY", "errors are not sent to Sentry yet"),
    ("SENTRY_DSN_BACKEND", "errors are not sent to Sentry yet"),
];

/// What a process says about itself, and to whom. Variables that have no flag here are in docs/telemetry.md.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Telemetry")]
pub(super) struct TelemetryArgs {
    /// What is logged: error, warn, info, debug, or a filter such as `shop=debug`
    #[arg(long, value_name = "FILTER", default_value = "info", env = "SHOP_LOG")]
    log_level: String,
    /// Name of the environment in telemetry [env: DD_ENV] [default: dev]
    #[arg(long, value_name = "NAME")]
    env: Option<String>,
    /// Write finished spans to this file too, one JSON object a line, at most 256 MiB
    #[arg(long, value_name = "FILE", env = "SHOP_SPAN_FILE")]
    span_file: Option<PathBuf>,
    #[command(flatten)]
    log_file: LogFileArgs,
    /// Send spans in OTLP over HTTP to this collector or Agent [env: OTEL_EXPORTER_OTLP_ENDPOINT]
    #[arg(long, value_name = "URL")]
    otlp_endpoint: Option<String>,
    /// Send metrics by DogStatsD: udp://HOST:PORT or unix:///PATH [env: DD_DOGSTATSD_URL]
    #[arg(long, value_name = "URL")]
    dogstatsd_url: Option<String>,
    /// Which traces are kept, by the names of OpenTelemetry [env: OTEL_TRACES_SAMPLER]
    #[arg(long, value_name = "SAMPLER")]
    traces_sampler: Option<String>,
    /// The share that a ratio keeps, 0 to 1 [env: OTEL_TRACES_SAMPLER_ARG]
    #[arg(long, value_name = "SHARE")]
    traces_sampler_arg: Option<String>,
    /// Tags of every metric, `key:value,key:value` [env: DD_TAGS]
    #[arg(long, value_name = "TAGS")]
    metric_tags: Option<String>,
}

impl TelemetryArgs {
    /// Where telemetry goes. Fails with everything that is wrong at once.
    pub(super) fn settings(&self) -> anyhow::Result<Settings> {
        let flags: Vec<_> = self.flags().into_iter().flatten().collect();
        Ok(Settings::parse(&Environment {
            variable: &|name| std::env::var(name).ok(),
            flags: &flags,
            read: &|path| std::fs::read(path),
        })?)
    }

    /// Each flag under the variable of the same meaning.
    fn flags(&self) -> [Option<(&'static str, &'static str, String)>; 6] {
        [
            ("DD_ENV", "--env", &self.env),
            (
                "OTEL_EXPORTER_OTLP_ENDPOINT",
                "--otlp-endpoint",
                &self.otlp_endpoint,
            ),
            ("DD_DOGSTATSD_URL", "--dogstatsd-url", &self.dogstatsd_url),
            (
                "OTEL_TRACES_SAMPLER",
                "--traces-sampler",
                &self.traces_sampler,
            ),
            (
                "OTEL_TRACES_SAMPLER_ARG",
                "--traces-sampler-arg",
                &self.traces_sampler_arg,
            ),
            ("DD_TAGS", "--metric-tags", &self.metric_tags),
        ]
        .map(|(variable, flag, text)| Some((variable, flag, text.clone()?)))
    }

    /// Starts telemetry; everything queued is sent and written when the guard is dropped.
    pub(super) fn start(&self, settings: Settings) -> anyhow::Result<Guard> {
        let version = settings.resource.version.clone();
        let identity = Identity::new(
            "rum-shop",
            env_of(&settings),
            version.unwrap_or_else(|| env!("CARGO_PKG_VERSION").to_owned()),
        );
        let guard = telemetry::start(telemetry::Config {
            log: self.log_file.out()?,
            span_file: self.span_file.clone(),
            settings,
            ..telemetry::Config::new(identity, self.log_level.as_str())
        })
        .map_err(|error| {
            let flag = match &error {
                StartError::Log(_) => "`--log-level` cannot be used",
                StartError::SpanFile { .. } => "`--span-file` cannot be used",
                _ => "telemetry cannot be started",
            };
            anyhow::Error::from(error).context(flag)
        })?;
        tell_what_is_not_read();
        Ok(guard)
    }
}

/// The name of the environment.
pub(super) fn env_of(settings: &Settings) -> String {
    let env = settings.resource.env.clone();
    env.unwrap_or_else(|| ENV_DEFAULT.to_owned())
}

fn tell_what_is_not_read() {
    for (variable, remedy) in NOT_READ {
        if std::env::var_os(variable).is_some_and(|value| !value.is_empty()) {
            tracing::warn!(variable, "a variable is set that is not read: {remedy}");
        }
    }
}
