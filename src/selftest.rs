//! `loadgen selftest`: proves on this machine that arrivals are on time and percentiles are right.
//!
//! The generator runs unchanged against a [`target`] whose latency distribution is known as a formula, and what it reports is
//! compared with the formula. Nothing is corrected or left out.

use std::fmt::Write as _;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use clap::{Args, Subcommand};
use serde::Serialize;
use tokio::sync::watch;

use crate::commands::Format;
use crate::engine::{self, Control, Finished, RunRequest};
use crate::exit::Exit;
use crate::measure::journal::Journal;
use crate::measure::samples::Sample;
use crate::measure::snapshot::{LatestSnapshot, Snapshot};
use crate::measure::ticks::TickSum;
use crate::scenario::{OneStep, OneStepLoad, Scenario, parse_duration};
use crate::schedule::Segment;
use crate::verdict::show_time;

pub mod target;

use target::{Behaviour, Latency, Target};

/// The rates that are tried unless others are asked for, arrivals a second.
const RATES: [f64; 3] = [1_000.0, 5_000.0, 20_000.0];

/// Above this rate two cores are busy enough that lateness says more about the machine than about the generator.
const LAG_JUDGED_UP_TO: f64 = 5_000.0;

/// Largest tolerated error of the rate.
const RATE_ERROR_MAX: f64 = 0.001;

/// Largest tolerated median and 99th percentile of start lag.
const LAG_MAX: [(f64, Duration); 2] = [
    (0.5, Duration::from_micros(150)),
    (0.99, Duration::from_millis(1)),
];

/// Quantiles compared with the truth: share and time that the error may have.
const QUANTILES: [(f64, f64, Duration); 5] = [
    (0.5, 0.01, Duration::from_micros(100)),
    (0.9, 0.01, Duration::from_micros(100)),
    (0.95, 0.01, Duration::from_micros(100)),
    (0.99, 0.01, Duration::from_micros(100)),
    (0.999, 0.03, Duration::from_micros(500)),
];

/// Prove on this machine that arrivals are on time and percentiles are right
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  loadgen selftest
  loadgen selftest --rate 2000 --duration 20s
  loadgen selftest --format json

Exit code 0 if every figure is within its bound, 4 if not.")]
#[command(args_conflicts_with_subcommands = true)]
pub struct SelftestArgs {
    #[command(subcommand)]
    only: Option<Only>,

    /// Arrivals a second to try; may be repeated [default: 1000, 5000, 20000]
    #[arg(long = "rate", value_name = "N")]
    rates: Vec<f64>,

    /// How long each combination of rate and distribution runs
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, default_value = "10s")]
    duration: Duration,

    /// Worker threads [default: 1]
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=64))]
    workers: u32,

    /// How results are printed
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Parts of the selftest that can be had by themselves.
#[derive(Debug, Subcommand)]
enum Only {
    /// Only the target: an HTTP server that answers a little JSON after a fixed time, until it is stopped
    Target(TargetArgs),
}

/// The target by itself.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  loadgen selftest target --port 9000
  loadgen selftest target --port 9000 --latency 1ms --stall-at 10s --stall-for 2s")]
struct TargetArgs {
    /// Port on 127.0.0.1; 0 takes a free one
    #[arg(long, default_value_t = 0)]
    port: u16,

    /// Time until the answer
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    latency: Option<Duration>,

    /// Begin of a stall, counted from the first request
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, requires = "stall_for")]
    stall_at: Option<Duration>,

    /// Length of the stall: nothing is answered meanwhile
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, requires = "stall_at")]
    stall_for: Option<Duration>,
}

/// One combination of rate and distribution.
#[derive(Debug, Serialize)]
struct Proof {
    distribution: &'static str,
    rate: f64,
    rate_error: f64,
    lag_p50_us: f64,
    lag_p99_us: f64,
    quantiles: Vec<Compared>,
    failures: Vec<String>,
}

/// One quantile beside the truth.
#[derive(Debug, Serialize)]
struct Compared {
    q: f64,
    truth_us: f64,
    response_us: f64,
    service_us: f64,
}

/// Runs every combination and prints what came out.
///
/// # Errors
/// When the target or the engine cannot be started.
pub fn run(args: &SelftestArgs) -> anyhow::Result<Exit> {
    crate::own::raise_descriptor_limit();
    if let Some(Only::Target(target)) = &args.only {
        return serve(target);
    }
    let rates = if args.rates.is_empty() {
        RATES.to_vec()
    } else {
        args.rates.clone()
    };
    let mut proofs = Vec::new();
    for rate in rates {
        for (name, latency) in distributions() {
            let proof = prove(name, latency, rate, args)?;
            if args.format == Format::Text {
                let _ = std::io::stdout().write_all(text(&proof).as_bytes());
            }
            proofs.push(proof);
        }
    }
    let failed: usize = proofs.iter().map(|proof| proof.failures.len()).sum();
    let ending = match args.format {
        Format::Json => serde_json::to_string_pretty(&proofs)?,
        Format::Text if failed == 0 => "every figure is within its bound".to_owned(),
        Format::Text => format!(
            "{failed} figures are outside their bounds: on this machine, now, trust no smaller differences than these.\n\
             Other work on the machine is the usual cause; see `top`."
        ),
    };
    let _ = writeln!(std::io::stdout(), "{ending}");
    Ok(if failed == 0 { Exit::Ok } else { Exit::Invalid })
}

/// Runs the target until a signal ends the process.
fn serve(args: &TargetArgs) -> anyhow::Result<Exit> {
    let behaviour = Behaviour {
        latency: Latency::Constant(args.latency.unwrap_or_default()),
        period: 1,
        stall: args.stall_at.zip(args.stall_for),
    };
    let target = Target::start(args.port, behaviour).context("cannot start the target")?;
    let _ = writeln!(std::io::stdout(), "{}", target.url());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(tokio::signal::ctrl_c())?;
    Ok(Exit::Interrupted)
}

fn distributions() -> [(&'static str, Latency); 3] {
    let ms = Duration::from_millis;
    [
        ("exponential", Latency::Exponential { mean: ms(10) }),
        (
            "log-normal",
            Latency::LogNormal {
                median: ms(10),
                sigma: 0.5,
            },
        ),
        (
            "bimodal",
            Latency::Bimodal {
                low: ms(2),
                high: ms(20),
                // No percentile that is judged lies in the gap between the humps, where it could be any time.
                share: 0.15,
            },
        ),
    ]
}

fn prove(
    name: &'static str,
    latency: Latency,
    rate: f64,
    args: &SelftestArgs,
) -> anyhow::Result<Proof> {
    // One period is the whole run: every point of the distribution comes once, and the truth is exact up to p99.9.
    let requests = rate * args.duration.as_secs_f64();
    let behaviour = Behaviour {
        latency,
        period: (requests as u64).max(1000),
        stall: None,
    };
    let target = Target::start(0, behaviour).context("cannot start the selftest's target")?;
    let step = OneStep {
        url: format!("{}/", target.url()),
        method: "GET".to_owned(),
        headers: Vec::new(),
        body: None,
        load: OneStepLoad::Open {
            rate,
            duration: args.duration,
            even: true,
        },
        timeout: None,
        traced: true,
    };
    let scenario =
        Scenario::one_step(&step, &[]).map_err(|problems| anyhow!(problems.summary()))?;
    let (_tell, stop) = watch::channel(Control::default());
    let finished = engine::run(RunRequest {
        scenario: Arc::new(scenario),
        target: target.url(),
        prepared: Vec::new(),
        workers: args.workers,
        segment: Segment::WHOLE,
        latest: LatestSnapshot::default(),
        journal: Box::new(NoJournal),
        control: stop,
        rum: None,
    })?;
    Ok(judge(name, latency, rate, &finished))
}

fn judge(distribution: &'static str, latency: Latency, rate: f64, finished: &Finished) -> Proof {
    let micros = |time: Duration| time.as_secs_f64() * 1e6;
    let cell = finished.totals.cells_where(|_, _| true);
    let lag = finished.totals.start_lag_where(|_| true);
    let arrivals = finished.totals.arrivals_all();
    let achieved = arrivals.on_time as f64 / finished.load.as_secs_f64();
    let mut failures = Vec::new();
    let rate_error = (achieved - rate).abs() / rate;
    if rate_error > RATE_ERROR_MAX {
        failures.push(format!("rate {achieved:.1}/s instead of {rate}/s"));
    }
    if cell.errors() > 0 {
        failures.push(format!("{} errors", cell.errors()));
    }
    for (q, bound) in LAG_MAX {
        let found = lag.quantile(q).unwrap_or_default();
        if rate <= LAG_JUDGED_UP_TO && found > bound {
            failures.push(format!(
                "start lag p{} {} (bound {})",
                q * 100.0,
                show_time(found),
                show_time(bound)
            ));
        }
    }
    let mut quantiles = Vec::new();
    for (q, share, slack) in QUANTILES {
        let (truth, response) = (
            latency.quantile(q),
            cell.response.quantile(q).unwrap_or_default(),
        );
        let service = cell.service.quantile(q).unwrap_or_default();
        if response.abs_diff(truth) > truth.mul_f64(share) + slack {
            failures.push(format!(
                "p{} {} instead of {}",
                q * 100.0,
                show_time(response),
                show_time(truth)
            ));
        }
        quantiles.push(Compared {
            q,
            truth_us: micros(truth),
            response_us: micros(response),
            service_us: micros(service),
        });
    }
    let at = |q| micros(lag.quantile(q).unwrap_or_default());
    Proof {
        distribution,
        rate,
        rate_error,
        lag_p50_us: at(0.5),
        lag_p99_us: at(0.99),
        quantiles,
        failures,
    }
}

fn text(proof: &Proof) -> String {
    let mut out = String::new();
    // Writing to a String does not fail.
    let _ = writeln!(
        out,
        "{}/s {}: rate error {:.3} %, start lag p50 {:.0} µs p99 {:.0} µs",
        proof.rate,
        proof.distribution,
        proof.rate_error * 100.0,
        proof.lag_p50_us,
        proof.lag_p99_us
    );
    for one in &proof.quantiles {
        let error = one.response_us - one.truth_us;
        let _ = writeln!(
            out,
            "  p{:<5} truth {:>9.3} ms  reported {:>9.3} ms  error {:>+7.3} ms ({:+.2} %)",
            one.q * 100.0,
            one.truth_us / 1e3,
            one.response_us / 1e3,
            error / 1e3,
            error / one.truth_us * 100.0
        );
    }
    for failure in &proof.failures {
        let _ = writeln!(out, "  ✗ {failure}");
    }
    out
}

/// Keeps nothing.
struct NoJournal;

impl Journal for NoJournal {
    fn tick(&mut self, _: &TickSum) {}
    fn promises(&mut self, _: &[String]) {}
    fn samples(&mut self, _: &[Sample]) {}
    fn snapshot(&mut self, _: &Snapshot) {}
    fn failure(&self) -> Option<String> {
        None
    }
}
