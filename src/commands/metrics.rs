//! `loadgen metrics`: which metrics a run's recording has, and what a query over them comes to.

use std::path::PathBuf;
use std::time::Duration;

use alerting::evaluate::series::SeriesSource;
use alerting::evaluate::{Data, Evaluated, Plan};
use alerting::query::{Expression, QueryError};
use clap::Args;

use super::Output;
use crate::exit::Exit;
use crate::recording::reader::Recording;
use crate::redact::Shown;
use crate::report::read::{folder_of, record};
use crate::scenario::parse_duration;
use moments::Moments;

mod listing;
mod moments;
mod plot;
mod shown;

/// List the metrics that a run recorded, or evaluate a query over them and plot it
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  loadgen metrics latest
  loadgen metrics latest 'p95:http.server.request.duration{*} by {service}'
  loadgen metrics latest '100 * sum:ecommerce.payments.failed{*}.as_count() / sum:ecommerce.payments.processed{*}.as_count()'
  loadgen metrics latest 'max:ecommerce.queue.depth{*} by {queue}' --from 1m --to 5m --interval 10s --csv

Queries are those of Datadog's monitors and dashboards; what is evaluated, and what is assumed, is in docs/metric-queries.md.")]
pub struct MetricsArgs {
    /// The run: its folder, how the folder's name begins, or `latest`
    #[arg(value_name = "RUN")]
    run: PathBuf,

    /// What to evaluate; the recorded metrics are listed without it
    #[arg(value_name = "QUERY")]
    query: Option<String>,

    /// Only from this long after the load began
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    from: Option<Duration>,

    /// Only until this long after the load began
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    to: Option<Duration>,

    /// Width of the buckets; the query's own rollup goes before it [default: what fits into the plot, at least 10s]
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    interval: Option<Duration>,

    /// Columns of the plot
    #[arg(long, value_name = "COLUMNS", default_value_t = 100, value_parser = clap::value_parser!(u16).range(40..=400))]
    width: u16,

    /// JSON, for programs
    #[arg(long, conflicts_with = "csv")]
    json: bool,

    /// CSV: a row per group and bucket
    #[arg(long)]
    csv: bool,
}

/// In which form the answer is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Text,
    Json,
    Csv,
}

impl MetricsArgs {
    fn form(&self) -> Form {
        match (self.json, self.csv) {
            (true, _) => Form::Json,
            (_, true) => Form::Csv,
            _ => Form::Text,
        }
    }
}

/// Lists or evaluates.
///
/// # Errors
/// A stream that cannot be written; a recording that cannot be read.
pub fn run(args: &MetricsArgs, output: &mut Output<'_>) -> anyhow::Result<Exit> {
    let folder = match folder_of(&args.run) {
        Ok(folder) => folder,
        Err(problem) => return refuse(output, &problem.to_string()),
    };
    let recording = match Recording::open(&folder) {
        Ok(recording) => recording,
        Err(problem) => return refuse(output, &format!("{problem:#}")),
    };
    let Some(query) = &args.query else {
        listing::write(&recording.metrics()?, args.form(), output)?;
        return Ok(Exit::Ok);
    };
    let moments = Moments::of(&recording.meta()?, record(&folder).ok().as_ref());
    evaluate(args, query, &recording, &moments, output)
}

fn evaluate(
    args: &MetricsArgs,
    query: &str,
    source: &dyn SeriesSource,
    moments: &Moments,
    output: &mut Output<'_>,
) -> anyhow::Result<Exit> {
    let plan = match plan(query) {
        Ok(plan) => plan,
        Err(error) => return refuse(output, &pointed(query, &error)),
    };
    let data = Data::read(source, plan.metrics())?;
    let missing = data.missing(source)?;
    let Some(span) = data.span() else {
        let names: Vec<String> = missing.iter().map(ToString::to_string).collect();
        let more = "`loadgen metrics RUN` lists what was recorded";
        return refuse(output, &format!("{}; {more}", names.join("; ")));
    };
    for metric in missing {
        writeln!(output.err, "note: {}", Shown::from(metric.to_string()))?;
    }
    let (from, to) = match moments.window(args.from, args.to, span) {
        Ok(window) => window,
        Err(problem) => return refuse(output, &problem),
    };
    let grid = plan.grid(from, to, width(args, to - from));
    match plan.evaluate(&data, grid) {
        Ok(found) if found.groups.is_empty() => refuse(output, &nothing(&plan, source)?),
        Ok(found) => {
            let answer = shown::Answer {
                query,
                unit: unit(&plan, source)?,
                found: &found,
                moments,
            };
            answer.write(args.form(), usize::from(args.width), output)?;
            Ok(Exit::Ok)
        }
        Err(error) => refuse(output, &pointed(query, &error)),
    }
}

/// The query's only expression, ready.
fn plan(query: &str) -> Result<Plan, QueryError> {
    let mut plans = Plan::of(&Expression::parse(query)?)?;
    match (plans.pop(), plans.is_empty()) {
        (Some(plan), true) => Ok(plan),
        _ => Err(QueryError {
            at: 0..query.len(),
            message: "these are several queries; give one at a time".to_owned(),
        }),
    }
}

/// Width of a bucket, seconds: two fit into a column, and none is narrower than what was recorded.
fn width(args: &MetricsArgs, span_s: i64) -> i64 {
    const RECORDED_S: i64 = 10;
    match args.interval {
        Some(interval) => i64::try_from(interval.as_secs()).unwrap_or(i64::MAX).max(1),
        None => {
            let buckets = i64::from(args.width) * 2;
            let tens = (span_s + buckets * RECORDED_S) / (buckets * RECORDED_S);
            tens.max(1) * RECORDED_S
        }
    }
}

/// The unit of the values, if the query asks for one metric whose unit is known.
fn unit(plan: &Plan, source: &dyn SeriesSource) -> anyhow::Result<String> {
    let metrics = plan.metrics();
    let known = source.metrics()?;
    let mut units = known
        .iter()
        .filter(|info| metrics.contains(info.metric.as_str()));
    match (metrics.len(), units.next()) {
        (1, Some(info)) => Ok(info.unit.clone()),
        _ => Ok(String::new()),
    }
}

/// Why there is no group, as far as it can be told.
fn nothing(plan: &Plan, source: &dyn SeriesSource) -> anyhow::Result<String> {
    let metrics = plan.metrics();
    let known = source.metrics()?.into_iter();
    let known = known.filter(|info| metrics.contains(info.metric.as_str()));
    let tags: Vec<String> = known
        .map(|info| format!("`{}` has the tags {}", info.metric, list(&info.tag_keys)))
        .collect();
    Ok(format!(
        "the query has no value in this time: no series fits its scope and groups, or none has points; {}",
        tags.join(", ")
    ))
}

fn list(keys: &[String]) -> String {
    match keys.is_empty() {
        true => "(none)".to_owned(),
        false => keys.join(", "),
    }
}

/// A message with the query below it and the place marked.
fn pointed(query: &str, error: &QueryError) -> String {
    let at = query
        .get(..error.at.start)
        .map_or(0, |before| before.chars().count());
    let marked = query
        .get(error.at.clone())
        .map_or(0, |part| part.chars().count());
    let one_line: String = query
        .chars()
        .map(|char| if char.is_control() { ' ' } else { char })
        .collect();
    match error.at.start == 0 && error.at.end == 0 {
        true => error.message.clone(),
        false => format!(
            "{}\n  {one_line}\n  {}{}",
            error.message,
            " ".repeat(at),
            "^".repeat(marked.max(1))
        ),
    }
}

fn refuse(output: &mut Output<'_>, message: &str) -> anyhow::Result<Exit> {
    writeln!(output.err, "error: {}", Shown::from(message))?;
    Ok(Exit::Usage)
}

/// Least, mean, largest and last value of a group.
struct Figures {
    min: f64,
    avg: f64,
    max: f64,
    last: f64,
}

impl Figures {
    fn of(group: &alerting::evaluate::Group) -> Self {
        let count = group.present().count() as f64;
        Self {
            min: group.present().fold(f64::INFINITY, f64::min),
            avg: group.present().sum::<f64>() / count,
            max: group.present().fold(f64::NEG_INFINITY, f64::max),
            last: group.present().next_back().unwrap_or(f64::NAN),
        }
    }

    /// Least and largest value of all groups.
    fn range(found: &Evaluated) -> (f64, f64) {
        let all = || {
            found
                .groups
                .iter()
                .flat_map(alerting::evaluate::Group::present)
        };
        (
            all().fold(f64::INFINITY, f64::min),
            all().fold(f64::NEG_INFINITY, f64::max),
        )
    }
}
