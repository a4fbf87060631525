//! The flags of `loadgen run`, and the valid scenario that they ask for.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::files::FileArgs;
use super::own_metrics::OwnMetricsArgs;
use super::progress::ProgressMode;
use super::reach::ReachArgs;
use super::rum::RumArgs;
use super::telemetry::TelemetryArgs;
use crate::audit::Tokens;
use crate::commands::change_args::ChangeArgs;
use crate::engine;
use crate::redact::{Redactor, Shown};
use crate::report::Labels;
use crate::report::html::TraceUrl;
use crate::run_id::RunId;
use crate::scenario::{
    OneStep, OneStepLoad, Scenario, ScenarioRef, Threshold, load_judged, parse_duration,
};

/// Length of a run of one request if no other is given.
const ONE_STEP_DURATION: Duration = Duration::from_secs(30);

/// When the live view is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum TuiMode {
    /// On a terminal, unless another kind of progress was asked for
    Auto,
    /// Or fail
    Always,
    /// Progress lines instead
    Never,
}

/// Run a scenario, or one request
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  loadgen run checkout-storm
  loadgen run checkout-storm --duration 5m --rate-scale 2 --seed 7
  loadgen run my-storm.yaml --target http://127.0.0.1:5921 --threshold 'p99 < 300 ms'
  loadgen run --url http://127.0.0.1:8080/ --rate 500/s --duration 30s
  loadgen run --url http://127.0.0.1:8080/ --connections 32

Exit codes: 0 valid and all thresholds met · 1 loadgen failed · 2 wrong flags or scenario · 3 a threshold failed, or the audit
found differences · 4 the run is invalid · 5 nothing succeeded · 130 or 143 interrupted")]
pub struct RunArgs {
    /// Name of a scenario (see `loadgen list`), or path of a file
    #[arg(required_unless_present = "url", conflicts_with = "url")]
    pub(super) scenario: Option<String>,

    /// Base URL of the system under test; without it, and without one in the scenario, loadgen starts its own shop
    #[arg(long, value_name = "URL", conflicts_with = "url")]
    pub(super) target: Option<String>,

    /// What shoppers do comes from this number; the scenario's own if not given
    #[arg(long, value_name = "N")]
    pub(super) seed: Option<u64>,

    /// Keeps the keys of this run (UUIDs, sessions, e-mail addresses) apart from those of other runs with the same seed; the
    /// same seed and run id send exactly the same. Give one to all segments of a run [default: a new one]
    #[arg(long, value_name = "ID")]
    pub(super) run_id: Option<RunId>,

    /// Send only this share of the schedule, such as 2/8: eight machines with 1/8 … 8/8 and one --run-id send what one would have
    #[arg(long, value_name = "I/N", value_parser = parse_segment, default_value = "1/1")]
    pub(super) segment: (u64, u64),

    /// Worker threads [default: one a core; one core less with the embedded shop]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub(super) workers: Option<u32>,

    /// One more condition for exit code 0, such as 'p99 of POST /api/orders < 800 ms in baseline'; may be repeated
    #[arg(long = "threshold", value_name = "CONDITION")]
    pub(super) thresholds: Vec<String>,

    /// Where run folders are made
    #[arg(long, value_name = "DIR", default_value = "runs")]
    pub(super) out: PathBuf,

    /// What this run is called in reports, besides the scenario's name
    #[arg(long, value_name = "TEXT")]
    pub(super) name: Option<String>,

    /// A tag for reports, such as version=1.4.2; may be repeated
    #[arg(long = "tag", value_name = "KEY=VALUE", value_parser = parse_tag)]
    pub(super) tags: Vec<(String, String)>,

    /// A remark for reports
    #[arg(long, value_name = "TEXT")]
    pub(super) note: Option<String>,

    /// Check everything that can be checked without sending anything, and stop there; `loadgen preview` shows what would be sent
    #[arg(long)]
    pub(super) dry_run: bool,

    /// Audit the run before its shop is stopped: is what clients were promised what the shop has?
    #[arg(long, conflicts_with = "url")]
    pub(super) audit: bool,

    /// Keep the embedded shop's data in the run folder, 16 MB and more, so that the run can be audited later
    #[arg(long, conflicts_with_all = ["target", "url"])]
    pub(super) keep_shop: bool,

    /// When the live view is shown
    #[arg(long, value_enum, value_name = "WHEN", default_value = "auto")]
    pub(super) tui: TuiMode,

    /// How progress is shown without the live view
    #[arg(long, value_enum, default_value = "auto")]
    pub(super) progress: ProgressMode,

    /// No progress and no live view, only the summary
    #[arg(long, short, conflicts_with_all = ["tui", "progress"])]
    pub(super) quiet: bool,

    /// Print the summary as text, or run.json's content without windows
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: crate::commands::Format,

    /// The same as --format json; --json=FILE writes the record with all percentiles to a file instead
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true)]
    pub(super) json: Option<Option<PathBuf>>,

    /// The report in files.
    #[command(flatten)]
    pub(super) files: FileArgs,

    /// Where a trace can be looked at, with {trace_id} in it; trace ids in the report become links
    #[arg(long, value_name = "URL", env = "LOADGEN_TRACE_URL", value_parser = TraceUrl::parse)]
    pub(super) trace_url: Option<TraceUrl>,

    /// The generator's own metrics.
    #[command(flatten)]
    pub(super) own_metrics: OwnMetricsArgs,

    /// What is recorded of the system under test.
    #[command(flatten)]
    pub(super) telemetry: TelemetryArgs,
    /// What the shoppers' browsers tell.
    #[command(flatten)]
    pub(super) rum: RumArgs,

    /// What opens the books of a shop that is not the embedded one.
    #[command(flatten)]
    tokens: Tokens,

    /// Changes to the scenario.
    #[command(flatten)]
    pub(super) changes: ChangeArgs,

    /// How the target is reached.
    #[command(flatten)]
    pub(super) reach: ReachArgs,

    /// One request.
    #[command(flatten)]
    pub(super) one: OneStepArgs,
}

impl RunArgs {
    /// How the summary is printed.
    pub(super) fn format(&self) -> crate::commands::Format {
        match self.json {
            Some(None) => crate::commands::Format::Json,
            _ => self.format,
        }
    }

    /// What the run is called.
    pub(super) fn labels(&self, redactor: &Redactor) -> Labels {
        let shown = |text: &String| redactor.show_line(text);
        Labels {
            name: self.name.as_ref().map(shown),
            tags: self
                .tags
                .iter()
                .map(|(key, value)| {
                    let value = match redactor.is_secret(key) {
                        true => Shown::from(crate::redact::mark(value)),
                        false => shown(value),
                    };
                    (shown(key).to_string(), value)
                })
                .collect(),
            note: self.note.as_ref().map(shown),
        }
    }

    /// What opens the books of the target, if it may be a shop: one request is not sent to ask for orders.
    pub(super) fn books_token(&self) -> Option<&str> {
        self.scenario.as_ref().and(self.tokens.token())
    }
}

/// Flags of a run without a scenario.
#[derive(Debug, Args)]
#[command(next_help_heading = "One request instead of a scenario")]
pub struct OneStepArgs {
    /// Send this one request; the load is --rate (open) or --connections (closed), for --duration (30s if not given)
    #[arg(long, value_name = "URL")]
    url: Option<String>,

    /// HTTP method [default: GET, or POST with --body]
    #[arg(long, value_name = "METHOD", requires = "url")]
    method: Option<String>,

    /// A header as 'name: value'; may be repeated, also with the same name
    #[arg(long = "header", value_name = "HEADER", requires = "url")]
    headers: Vec<String>,

    /// The request's body; @FILE sends what stands in a file, @@… a text that begins with @
    #[arg(long, value_name = "TEXT", requires = "url")]
    body: Option<String>,

    /// Connections in a closed loop
    #[arg(long, value_name = "N", requires = "url")]
    connections: Option<u32>,

    /// Time limit of one request
    #[arg(long, value_name = "DURATION", requires = "url", value_parser = parse_duration)]
    timeout: Option<Duration>,
}

/// Parses `2/8`.
fn parse_segment(text: &str) -> Result<(u64, u64), String> {
    let parts = text
        .split_once('/')
        .and_then(|(index, of)| Some((index.parse().ok()?, of.parse().ok()?)));
    match parts {
        Some((index, of)) if index >= 1 && index <= of => Ok((index, of)),
        _ => Err("write it as I/N with 1 ≤ I ≤ N, such as 2/8".to_owned()),
    }
}

/// Parses `version=1.4.2`.
fn parse_tag(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.trim().is_empty() => {
            Ok((key.trim().to_owned(), value.trim().to_owned()))
        }
        _ => Err("write it as KEY=VALUE, such as version=1.4.2".to_owned()),
    }
}

/// The valid scenario that the flags ask for, or the text of every mistake.
pub(super) fn scenario_of(args: &RunArgs) -> Result<Scenario, String> {
    let style = crate::commands::problem_style();
    let mut scenario = match (&args.scenario, &args.one.url) {
        (Some(name), _) => {
            let found = ScenarioRef::find(name).map_err(|problems| vec![problems]);
            let changes = args.changes.changes();
            let loaded = found.and_then(|origin| load_judged(&origin, &changes, &args.thresholds));
            loaded.map_err(|all| {
                let texts: Vec<String> =
                    all.iter().map(|problems| problems.render(style)).collect();
                texts.join("\n")
            })?
        }
        (None, url) => one_step(args, url.clone().unwrap_or_default(), style)?,
    };
    scenario.seed = args.seed.unwrap_or(scenario.seed);
    scenario.run_id = match &args.run_id {
        Some(given) => given.clone(),
        None => RunId::random()
            .map_err(|e| format!("error: no run id can be drawn: {e}; give one with --run-id"))?,
    };
    let mut problems = Vec::new();
    // Before anything is told about it: its URL may hold a password.
    if let Some(target) = &args.target {
        scenario.aim_at(target);
    }
    problems.extend(args.reach.apply(&mut scenario));
    // Those of a file were judged with it.
    let thresholds = args.thresholds.iter().filter(|_| args.one.url.is_some());
    for text in thresholds {
        match Threshold::parse(text, &scenario) {
            Ok(threshold) => scenario.thresholds.push(threshold),
            Err(problem) => problems.push(problem.render(style)),
        }
    }
    if args.audit && scenario.target.is_some() && args.tokens.token().is_none() {
        problems.push(
            "error: --audit needs the target's audit token in SHOP_AUDIT_TOKEN, or an administrator's in SHOP_ADMIN_TOKEN"
                .to_owned(),
        );
    }
    if let Some(target) = &scenario.target
        && let Err(problem) = engine::plan::Plan::new(&scenario, target)
    {
        let flag = if args.target.is_some() {
            "--target: "
        } else {
            ""
        };
        let problem = scenario.secrets.redactor.show(&problem);
        problems.push(format!("error: {flag}{problem}"));
    }
    if problems.is_empty() {
        Ok(scenario)
    } else {
        Err(problems.join("\n"))
    }
}

fn one_step(args: &RunArgs, url: String, style: checked_yaml::Style) -> Result<Scenario, String> {
    let mut problems = Vec::new();
    let mut keep = |problem: String| problems.push(format!("error: {}", Shown::from(problem)));
    let headers: Vec<(String, String)> = args
        .one
        .headers
        .iter()
        .filter_map(|text| header(text).map_err(&mut keep).ok())
        .collect();
    let load = one_step_load(args).map_err(&mut keep).ok();
    let content_types = headers
        .iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    if content_types.count() > 1 {
        keep("--header content-type: a request has one; keep one of them".to_owned());
    }
    if let Some((key, _)) = args.changes.changes().set.first_key_value() {
        keep(format!(
            "--set {key}: there is no scenario file that it could change; use --method, --header, --body, --timeout, or write one"
        ));
    }
    let method = match (&args.one.method, &args.one.body) {
        (Some(method), _) => method.clone(),
        (None, Some(_)) => "POST".to_owned(),
        (None, None) => "GET".to_owned(),
    };
    let Some(load) = load.filter(|_| problems.is_empty()) else {
        return Err(problems.join("\n"));
    };
    let (body, timeout) = (args.one.body.clone(), args.one.timeout);
    let step = OneStep {
        url,
        method,
        headers,
        body,
        load,
        timeout,
        traced: false,
    };
    Scenario::one_step(&step, &args.changes.secrets).map_err(|problems| problems.render(style))
}

fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text
        .split_once(':')
        .ok_or("--header: write it as 'name: value'")?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

fn one_step_load(args: &RunArgs) -> Result<OneStepLoad, String> {
    let duration = args.changes.duration.unwrap_or(ONE_STEP_DURATION);
    let scale = args.changes.rate_scale.unwrap_or(1.0);
    match (args.changes.rate, args.one.connections) {
        (Some(rate), None) => Ok(OneStepLoad::Open {
            rate: rate * scale,
            duration,
            even: true,
        }),
        (None, Some(_)) if args.changes.rate_scale.is_some() => Err(
            "--connections makes a closed load, which has no rate for --rate-scale to change"
                .to_owned(),
        ),
        (None, Some(connections)) => Ok(OneStepLoad::Closed {
            connections,
            duration: Some(duration),
            requests: None,
        }),
        (Some(_), Some(_)) => Err(
            "--rate makes an open load and --connections a closed one; give one of them".to_owned(),
        ),
        (None, None) => Err(
            "--url needs a load: --rate 500/s for an open one, --connections 32 for a closed one"
                .to_owned(),
        ),
    }
}
