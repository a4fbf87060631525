//! What may be typed. Shapes and help texts only.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::stand_in::{Failure, Limit};

const EXAMPLES: &str = "\
Examples:
  monitors init --service checkout --team shop  a project to begin with
  monitors check                                every definition, every environment, offline
  monitors plan --env prod                      what an apply would change
  monitors apply --env prod                     change it, after asking
  monitors plan --env prod --markdown           for a pull request
  monitors apply --env prod --yes --only 'payment-*'
  monitors import --out found                   an existing org as files
  monitors stand-in --port 8126 --data /tmp/dd  an API to try it on
  monitors apply --env dev --api-url http://127.0.0.1:8126

From the environment: DD_API_KEY, DD_APP_KEY, DD_SITE (default datadoghq.com) or DD_API_URL, DD_ENV.

Exit codes:
  0         done; with --detailed-exitcode: nothing differs
  1         something failed, or with --detailed-exitcode a definition is wrong
  2         the command line or a definition is wrong; with --detailed-exitcode: changes
  3         refused, to protect what exists
  130, 143  interrupted";

/// Keeps the monitors, SLOs and dashboards of a Datadog org as the definition files say.
#[derive(Debug, Parser)]
#[command(name = "monitors", version, after_help = EXAMPLES, max_term_width = 110)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Begin a project: two monitors, an SLO and a dashboard for a service
    Init(Init),
    /// Check every definition offline, in every environment or in one
    Check(Check),
    /// Let the API check the monitors, without changing anything
    Validate(Validate),
    /// Show what an apply would create, update and delete
    Plan(Plan),
    /// Make the org what the files say
    Apply(Apply),
    /// Delete what carries the mark of the namespace
    Destroy(Destroy),
    /// Write an existing org as definition files that plan to no change
    Import(Import),
    /// Show what exists, or one definition as the API is given it
    Show(Show),
    /// Show what was changed on the server by hand since the last apply
    Drift(Drift),
    /// Print the definitions as Prometheus rules, Grafana dashboards or CloudWatch alarms
    Export(Export),
    /// List the metrics that definitions may query
    Metrics(Metrics),
    /// Print a completion script for a shell
    Completions(Completions),
    /// Print the JSON Schema of the files, for editors
    Schema(Schema),
    /// Bring definition files into their usual form
    Fmt(Fmt),
    /// Serve a stand-in of the API that keeps its state in a directory
    StandIn(StandIn),
}

/// Which files, for which environment.
#[derive(Debug, Clone, Args)]
pub struct Files {
    /// The project: the folder with monitors.yaml, monitors/, slos/ and dashboards/
    #[arg(long, default_value = ".", value_name = "FOLDER")]
    pub dir: PathBuf,
    /// The environment; else DD_ENV, else the project's default_environment, else its only one
    #[arg(long, value_name = "NAME")]
    pub env: Option<String>,
    /// Set a variable; wins over the project file; may be repeated
    #[arg(long = "var", value_name = "NAME=VALUE", value_parser = variable)]
    pub vars: Vec<(String, String)>,
    /// Mark objects with this namespace instead of the environment's
    #[arg(long, value_name = "NAME")]
    pub namespace: Option<String>,
}

/// Which org, and how much to say.
#[derive(Debug, Clone, Args)]
pub struct Org {
    /// The API's address; else DD_API_URL, else the project's api_url, else the site's in DD_SITE
    #[arg(long, value_name = "URL")]
    pub api_url: Option<String>,
    /// No progress on standard error
    #[arg(long, short)]
    pub quiet: bool,
}

/// What keeps a slip from deleting much.
#[derive(Debug, Clone, Args)]
pub struct Deletes {
    /// Refuse when more than this share of what exists would be deleted
    #[arg(long, value_name = "PER CENT", default_value_t = alerting::plan::DELETE_PERCENT_MAX,
          value_parser = clap::value_parser!(u8).range(0..=100))]
    pub max_delete_percent: u8,
    /// Allow everything to be deleted, also when no definition is found
    #[arg(long)]
    pub allow_delete_all: bool,
}

/// `monitors check`
#[derive(Debug, Args)]
pub struct Check {
    /// Which files.
    #[command(flatten)]
    pub files: Files,
    /// List the rules and what they demand
    #[arg(long)]
    pub rules: bool,
    /// How problems are shown
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// `monitors init`
#[derive(Debug, Args)]
pub struct Init {
    /// The folder to begin in; files that exist are not touched
    #[arg(long, default_value = ".", value_name = "FOLDER")]
    pub dir: PathBuf,
    /// The service to watch, as its traces name it
    #[arg(long, value_name = "NAME")]
    pub service: String,
    /// The team that is responsible
    #[arg(long, value_name = "NAME")]
    pub team: String,
}

/// `monitors validate`
#[derive(Debug, Args)]
pub struct Validate {
    /// Which files.
    #[command(flatten)]
    pub files: Files,
    /// Which org.
    #[command(flatten)]
    pub org: Org,
    /// Only monitors whose name fits; `*` stands for anything; may be repeated
    #[arg(long, value_name = "PATTERN")]
    pub only: Vec<String>,
}

/// `monitors export`
#[derive(Debug, Args)]
pub struct Export {
    /// For whom.
    #[arg(value_enum)]
    pub form: Form,
    /// Which files.
    #[command(flatten)]
    pub files: Files,
    /// Write to this file, or for Grafana into this folder, instead of standard output
    #[arg(long, value_name = "PATH")]
    pub out: Option<PathBuf>,
}

/// Other systems that the definitions can be written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[expect(missing_docs, reason = "each is its own name")]
pub enum Form {
    Prometheus,
    Grafana,
    Cloudwatch,
}

/// `monitors metrics`
#[derive(Debug, Args)]
pub struct Metrics {
    /// Which files.
    #[command(flatten)]
    pub files: Files,
}

/// `monitors completions`
#[derive(Debug, Args)]
pub struct Completions {
    /// The shell
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}

/// How results are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[expect(missing_docs, reason = "each is its own name")]
pub enum Format {
    Text,
    Json,
    Markdown,
}

/// `monitors plan`
#[derive(Debug, Args)]
pub struct Plan {
    /// Which files.
    #[command(flatten)]
    pub files: Files,
    /// Which org.
    #[command(flatten)]
    pub org: Org,
    /// Limits on deleting.
    #[command(flatten)]
    pub deletes: Deletes,
    /// Only definitions whose name fits; `*` stands for anything; may be repeated
    #[arg(long, value_name = "PATTERN")]
    pub only: Vec<String>,
    /// How the plan is shown
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// The same as --format markdown
    #[arg(long, conflicts_with = "format")]
    pub markdown: bool,
    /// Exit with 2 when there are changes
    #[arg(long)]
    pub detailed_exitcode: bool,
}

/// `monitors apply`
#[derive(Debug, Args)]
pub struct Apply {
    /// Which files.
    #[command(flatten)]
    pub files: Files,
    /// Which org.
    #[command(flatten)]
    pub org: Org,
    /// Limits on deleting.
    #[command(flatten)]
    pub deletes: Deletes,
    /// Only definitions whose name fits; `*` stands for anything; may be repeated
    #[arg(long, value_name = "PATTERN")]
    pub only: Vec<String>,
    /// Do not ask; needed where there is no terminal
    #[arg(long, short)]
    pub yes: bool,
}

/// `monitors destroy`
#[derive(Debug, Args)]
pub struct Destroy {
    /// Which files; of them only the project file is read.
    #[command(flatten)]
    pub files: Files,
    /// Which org.
    #[command(flatten)]
    pub org: Org,
    /// Only objects whose name fits; `*` stands for anything; may be repeated
    #[arg(long, value_name = "PATTERN")]
    pub only: Vec<String>,
    /// Do not ask; needed where there is no terminal
    #[arg(long, short)]
    pub yes: bool,
}

/// `monitors import`
#[derive(Debug, Args)]
pub struct Import {
    /// Which org.
    #[command(flatten)]
    pub org: Org,
    /// The folder to write to; files that exist are not touched
    #[arg(long, value_name = "FOLDER")]
    pub out: PathBuf,
    /// The namespace of the project file that is written
    #[arg(long, default_value = "imported", value_name = "NAME")]
    pub namespace: String,
    /// Only objects whose name or title fits; `*` stands for anything; may be repeated
    #[arg(long, value_name = "PATTERN")]
    pub only: Vec<String>,
    /// Take what carries the mark of this namespace, instead of what carries none
    #[arg(long, value_name = "NAMESPACE")]
    pub managed: Option<String>,
}

/// `monitors show`
#[derive(Debug, Args)]
pub struct Show {
    /// Which files.
    #[command(flatten)]
    pub files: Files,
    /// Which org.
    #[command(flatten)]
    pub org: Org,
    /// Show this definition as the API is given it, offline
    pub name: Option<String>,
    /// With a name: as the server has it
    #[arg(long, requires = "name")]
    pub remote: bool,
}

/// `monitors drift`
#[derive(Debug, Args)]
pub struct Drift {
    /// Which files.
    #[command(flatten)]
    pub files: Files,
    /// Which org.
    #[command(flatten)]
    pub org: Org,
    /// Only definitions whose name fits; `*` stands for anything; may be repeated
    #[arg(long, value_name = "PATTERN")]
    pub only: Vec<String>,
    /// How drift is shown
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// Exit with 2 when something drifted
    #[arg(long)]
    pub detailed_exitcode: bool,
}

/// `monitors schema`
#[derive(Debug, Args)]
pub struct Schema {
    /// The project file's schema instead of the definition files'
    #[arg(long)]
    pub project: bool,
}

/// `monitors fmt`
#[derive(Debug, Args)]
pub struct Fmt {
    /// The project
    #[arg(long, default_value = ".", value_name = "FOLDER")]
    pub dir: PathBuf,
    /// Change nothing; name the files that would change and exit with 1
    #[arg(long)]
    pub check: bool,
}

/// `monitors stand-in`
#[derive(Debug, Args)]
pub struct StandIn {
    /// The port; 0 takes a free one
    #[arg(long, default_value_t = 0)]
    pub port: u16,
    /// The address to listen on; anything but the default lets other machines in
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    pub host: IpAddr,
    /// Where its state is kept
    #[arg(long, value_name = "FOLDER")]
    pub data: PathBuf,
    /// Write the address here once it answers
    #[arg(long, value_name = "FILE")]
    pub ready_file: Option<PathBuf>,
    /// Delay before every answer, such as 50ms or 1s
    #[arg(long, default_value = "0ms", value_parser = milliseconds)]
    pub latency: u64,
    /// The share of requests that fail, 0 to 1
    #[arg(long, default_value_t = 0.0, value_parser = share)]
    pub fail: f64,
    /// How they fail: 429, 500, 502, 504, drop, slow
    #[arg(long, value_delimiter = ',', value_name = "KINDS", value_parser = failure)]
    pub fail_kinds: Vec<Failure>,
    /// Allow so many requests in so many seconds, such as monitor_write=100/10; may be repeated
    #[arg(long = "limit", value_name = "NAME=REQUESTS/SECONDS", value_parser = limit)]
    pub limits: Vec<(String, Limit)>,
    /// Accept only this API key; DD_API_KEY of its clients
    #[arg(
        long,
        env = "STAND_IN_API_KEY",
        hide_env_values = true,
        requires = "app_key"
    )]
    pub api_key: Option<String>,
    /// Accept only this application key; DD_APP_KEY of its clients
    #[arg(
        long,
        env = "STAND_IN_APP_KEY",
        hide_env_values = true,
        requires = "api_key"
    )]
    pub app_key: Option<String>,
    /// What failures are drawn from
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}

fn variable(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write it as NAME=VALUE")?;
    if name.trim().is_empty() {
        return Err("the name is empty; write it as NAME=VALUE".to_owned());
    }
    Ok((name.trim().to_owned(), value.to_owned()))
}

fn milliseconds(text: &str) -> Result<u64, String> {
    let wrong = || "write it like 50ms or 1s".to_owned();
    let (number, factor) = match (text.strip_suffix("ms"), text.strip_suffix('s')) {
        (Some(number), _) => (number, 1),
        (None, Some(number)) => (number, 1000),
        (None, None) => return Err(wrong()),
    };
    let number: u64 = number.trim().parse().map_err(|_| wrong())?;
    number.checked_mul(factor).ok_or_else(wrong)
}

fn share(text: &str) -> Result<f64, String> {
    let number: f64 = text
        .parse()
        .map_err(|_| "write a number from 0 to 1".to_owned())?;
    if (0.0..=1.0).contains(&number) {
        Ok(number)
    } else {
        Err("write a number from 0 to 1".to_owned())
    }
}

fn failure(text: &str) -> Result<Failure, String> {
    Failure::parse(text).ok_or_else(|| "kinds: 429, 500, 502, 504, drop, slow".to_owned())
}

fn limit(text: &str) -> Result<(String, Limit), String> {
    let read = || {
        let (name, rest) = text.split_once('=')?;
        let (requests, period_s) = rest.split_once('/')?;
        let limit = Limit {
            requests: requests.parse().ok()?,
            period_s: period_s.parse().ok().filter(|period| *period > 0)?,
        };
        Some((name.to_owned(), limit))
    };
    let (name, limit) = read().ok_or("write it like monitor_write=100/10")?;
    if !Limit::names().any(|known| known == name) {
        let names: Vec<&str> = Limit::names().collect();
        return Err(format!("limits: {}", names.join(", ")));
    }
    Ok((name, limit))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn durations_and_shares_have_units_and_bounds() {
        assert_eq!(milliseconds("50ms"), Ok(50));
        assert_eq!(milliseconds("2s"), Ok(2000));
        assert!(milliseconds("50").is_err());
        assert!(share("1.5").is_err());
    }
}
