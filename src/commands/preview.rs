//! `loadgen preview`: what would be sent, without sending anything.
//!
//! Must not know: how a request is rendered; it is given them, one after the other.

use std::io;
use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};

use super::change_args::ChangeArgs;
use super::{Format, Output, summary};
use crate::engine::preview::Rendered;
use crate::exit::Exit;
use crate::run_id::RunId;
use crate::scenario::{
    CrowdPhase, CrowdSize, Load, Scenario, ScenarioRef, load, show_duration, show_rate,
};
use crate::schedule::{Schedule, Segment};

/// Columns of the chart.
const CHART_COLUMNS: usize = 72;
/// Lines of the chart.
const CHART_ROWS: usize = 8;
/// Most arrivals or shoppers shown.
const SHOWN_MAX: u64 = 100_000;
/// Longest body printed whole, in characters.
const BODY_CHARS_MAX: usize = 400;

/// Show what a scenario would send, without sending it
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  loadgen preview checkout-storm
  loadgen preview checkout-storm --shoppers 5 --arrivals 0
  loadgen preview checkout-storm --rate 500/s --duration 5m

Answers are not known beforehand: requests are shown with values from earlier answers left as {name}. Secrets are hidden.")]
pub struct PreviewArgs {
    /// Name of a scenario, or path of a file
    pub name: String,

    /// How many arrivals to list
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u64).range(..=SHOWN_MAX as i64 as u64))]
    pub arrivals: u64,

    /// Of how many shoppers to show the requests
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(..=SHOWN_MAX as i64 as u64))]
    pub shoppers: u64,

    /// Use this seed instead of the scenario's
    #[arg(long)]
    pub seed: Option<u64>,

    /// Show the keys of the run with this id; without one they follow from the seed alone
    #[arg(long, value_name = "ID")]
    pub run_id: Option<RunId>,

    /// How it is printed
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,

    /// Changes to the scenario.
    #[command(flatten)]
    pub changes: ChangeArgs,
}

/// Renders the requests of the first shoppers: the engine's part.
pub type Renderer<'r> = dyn Fn(&Scenario, u64) -> Box<dyn Iterator<Item = Rendered>> + 'r;

/// Prints the preview.
///
/// # Errors
/// A stream that cannot be written.
pub fn run(args: &PreviewArgs, render: &Renderer<'_>, output: &mut Output<'_>) -> io::Result<Exit> {
    let loaded =
        ScenarioRef::find(&args.name).and_then(|origin| load(&origin, &args.changes.changes()));
    let mut scenario = match loaded {
        Ok(scenario) => scenario,
        Err(problems) => return output.problems(&problems, args.format),
    };
    scenario.seed = args.seed.unwrap_or(scenario.seed);
    scenario.run_id = args.run_id.clone().unwrap_or_default();
    let requests = render(&scenario, args.shoppers);
    match args.format {
        Format::Text => text(args, &scenario, requests, output)?,
        Format::Json => output.json(&preview_json(args, &scenario, requests))?,
    }
    Ok(Exit::Ok)
}

fn text(
    args: &PreviewArgs,
    scenario: &Scenario,
    requests: Box<dyn Iterator<Item = Rendered>>,
    output: &mut Output<'_>,
) -> io::Result<()> {
    writeln!(
        output.out,
        "{}: {}",
        scenario.name,
        summary::one_line(scenario)
    )?;
    if let Load::Closed { crowd, .. } = &scenario.load {
        write!(output.out, "{}", crowd_line(crowd))?;
    }
    if let Some(schedule) = schedule(scenario) {
        writeln!(
            output.out,
            "{} journeys in all, seed {}\n",
            schedule.total(),
            scenario.seed
        )?;
        write!(output.out, "{}", chart(&schedule))?;
        write!(output.out, "{}", phase_line(scenario))?;
        arrivals_text(args, scenario, &schedule, output)?;
    }
    let mut shopper = None;
    for request in requests {
        if shopper != Some(request.shopper) {
            shopper = Some(request.shopper);
            writeln!(output.out, "\nshopper {}", request.shopper)?;
        }
        write!(output.out, "{}", request_text(&request))?;
    }
    Ok(())
}

fn schedule(scenario: &Scenario) -> Option<Schedule> {
    match &scenario.load {
        Load::Open { phases, spacing } => Some(Schedule::new(phases, *spacing, scenario.seed)),
        Load::Closed { .. } => None,
    }
}

fn arrivals_text(
    args: &PreviewArgs,
    scenario: &Scenario,
    schedule: &Schedule,
    output: &mut Output<'_>,
) -> io::Result<()> {
    if args.arrivals == 0 {
        return Ok(());
    }
    writeln!(output.out, "\nfirst arrivals")?;
    for (index, offset) in first(schedule, args.arrivals) {
        let phase = phase_name(scenario, schedule, offset);
        writeln!(
            output.out,
            "  {index:>6}  {:>12.6} s  {phase}",
            offset.as_secs_f64()
        )?;
    }
    Ok(())
}

fn first(schedule: &Schedule, count: u64) -> impl Iterator<Item = (u64, Duration)> + '_ {
    schedule
        .arrivals(Segment::WHOLE)
        .take(usize::try_from(count).unwrap_or(usize::MAX))
}

fn phase_name<'s>(scenario: &'s Scenario, schedule: &Schedule, offset: Duration) -> &'s str {
    match &scenario.load {
        Load::Open { phases, .. } => phases
            .get(schedule.phase_at(offset))
            .map_or("", |phase| phase.name.as_str()),
        Load::Closed { .. } => "",
    }
}

/// Rate over time, as columns.
fn chart(schedule: &Schedule) -> String {
    let rates = readings(schedule, CHART_COLUMNS);
    let peak = rates.iter().map(|(_, rate)| *rate).fold(0.0, f64::max);
    let mut chart = String::new();
    for row in (0..CHART_ROWS).rev() {
        let label = match row {
            row if row + 1 == CHART_ROWS => show_rate(peak),
            0 => "0".to_owned(),
            _ => String::new(),
        };
        let columns: String = rates
            .iter()
            .map(|(_, rate)| block(rate / peak, row))
            .collect();
        chart.push_str(&format!("{label:>10} |{}\n", columns.trim_end()));
    }
    let end = show_duration(schedule.duration());
    chart.push_str(&format!("{:>10} +{}\n", "", "-".repeat(CHART_COLUMNS)));
    chart.push_str(&format!(
        "{:>10}  0s{end:>width$}\n",
        "",
        width = CHART_COLUMNS - 2
    ));
    chart
}

/// The part of a column that lies in a row: eighths of a character.
fn block(height: f64, row: usize) -> char {
    const EIGHTHS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let filled = height * CHART_ROWS as f64 - row as f64;
    EIGHTHS[(filled * 8.0).round().clamp(0.0, 8.0) as usize]
}

/// The rate at the middle of each of `count` equal stretches.
fn readings(schedule: &Schedule, count: usize) -> Vec<(Duration, f64)> {
    let step = schedule.duration().div_f64(count as f64);
    let middle = |column: usize| step.mul_f64(column as f64 + 0.5);
    (0..count)
        .map(|column| (middle(column), schedule.rate_at(middle(column))))
        .collect()
}

fn phase_line(scenario: &Scenario) -> String {
    let Load::Open { phases, .. } = &scenario.load else {
        return String::new();
    };
    let parts: Vec<String> = phases
        .iter()
        .map(|phase| {
            format!(
                "{} {} (up to {})",
                phase.name,
                show_duration(phase.duration),
                show_rate(phase.curve.peak())
            )
        })
        .collect();
    format!("phases: {}\n", parts.join(", "))
}

/// The phases of a closed load; nothing for a crowd that is the same all the time.
fn crowd_line(crowd: &[CrowdPhase]) -> String {
    let part = |phase: &CrowdPhase| {
        let size = match phase.size {
            CrowdSize::Constant(shoppers) => summary::counted(shoppers as usize, "shopper"),
            CrowdSize::Ramp { from, to } => format!("from {from} to {to} shoppers"),
            CrowdSize::Steps { from, to, count } => {
                format!("from {from} to {to} shoppers in {count} steps")
            }
        };
        format!("{} {} ({size})", phase.name, show_duration(phase.duration))
    };
    match crowd {
        [only] if only.duration == Duration::MAX => String::new(),
        _ => {
            let parts: Vec<String> = crowd.iter().map(part).collect();
            format!("phases: {}\n", parts.join(", "))
        }
    }
}

fn request_text(request: &Rendered) -> String {
    let mut text = format!("  {} {}\n", request.method, request.url);
    for (name, value) in &request.headers {
        text.push_str(&format!("      {name}: {value}\n"));
    }
    if let Some(body) = &request.body {
        let shown: String = body.chars().take(BODY_CHARS_MAX).collect();
        let cut = if shown.len() < body.len() { " …" } else { "" };
        text.push_str(&format!("      {shown}{cut}\n"));
    }
    text
}

fn preview_json(
    args: &PreviewArgs,
    scenario: &Scenario,
    requests: Box<dyn Iterator<Item = Rendered>>,
) -> Value {
    let schedule = schedule(scenario);
    let curve = schedule.as_ref().map(|schedule| {
        let readings = readings(schedule, CHART_COLUMNS).into_iter();
        readings
            .map(|(at, rate)| json!([at.as_secs_f64(), rate]))
            .collect::<Vec<_>>()
    });
    let arrivals = schedule.as_ref().map(|schedule| {
        let all = first(schedule, args.arrivals);
        all.map(|(index, offset)| json!({ "shopper": index, "at_s": offset.as_secs_f64() }))
            .collect::<Vec<_>>()
    });
    json!({
        "name": scenario.name,
        "seed": scenario.seed,
        "duration_s": summary::duration(scenario).map(|duration| duration.as_secs_f64()),
        "journeys": schedule.as_ref().map(Schedule::total),
        "curve": curve,
        "arrivals": arrivals,
        "requests": requests.map(|request| request_json(&request)).collect::<Vec<_>>(),
    })
}

fn request_json(request: &Rendered) -> Value {
    json!({
        "shopper": request.shopper,
        "step": request.step,
        "method": request.method,
        "url": request.url,
        "headers": request.headers.iter().map(|(name, value)| json!([name, value])).collect::<Vec<_>>(),
        "body": request.body,
    })
}
