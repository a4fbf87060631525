//! The load generator's own metrics: the `loadgen.*` rows of the catalogue, for Prometheus to scrape during a run, and for the
//! recording.
//!
//! They are written from what the collector sums up at each tick, never from the hot path. Must not know: how it is measured,
//! where the journal goes.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context as _;
use telemetry::catalogue::metric;
use telemetry::{Identity, Sinks};

use crate::measure::StepStats;
use crate::measure::journal::Journal;
use crate::measure::samples::Sample;
use crate::measure::snapshot::Snapshot;
use crate::measure::ticks::TickSum;
use crate::recording::recorder::Feed;
use crate::scenario::Scenario;

mod busiest;
mod meters;
mod server;

use busiest::Busiest;
use meters::Meters;
use server::{Page, Server};

/// The service that reports.
const SERVICE: &str = "loadgen";

/// Where a run's own metrics are served, and what they say of it.
#[derive(Debug, Clone)]
pub struct OwnMetricsSpec {
    /// Address of this machine that serves them; nowhere without it.
    pub listen: Option<SocketAddr>,
    /// Name of the environment.
    pub env: String,
}

/// The journal, and besides it the metrics that were asked for: served for as long as the journal lives, and recorded.
///
/// # Errors
/// When nothing can listen at the address.
pub(super) fn beside(
    journal: Box<dyn Journal>,
    spec: &OwnMetricsSpec,
    scenario: &Arc<Scenario>,
    feed: Option<Feed>,
) -> anyhow::Result<Box<dyn Journal>> {
    if spec.listen.is_none() && feed.is_none() {
        return Ok(journal);
    }
    let identity = Identity::new(SERVICE, spec.env.as_str(), env!("CARGO_PKG_VERSION"));
    let registry = Sinks::default().registry(identity)?;
    let page = Page::default();
    let server = spec
        .listen
        .map(|address| serve(address, &page))
        .transpose()?;
    Ok(Box::new(OwnMetrics {
        metrics: Metrics::new(scenario, Meters::new(registry, feed)),
        page,
        journal,
        server,
    }))
}

fn serve(address: SocketAddr, page: &Page) -> anyhow::Result<Server> {
    let server = Server::start(address, page.clone()).with_context(|| {
        format!("cannot serve metrics at {address}; choose another address with --metrics-listen")
    })?;
    tracing::info!("metrics of this run: http://{}/metrics", server.address());
    Ok(server)
}

/// A journal that also writes the metrics.
struct OwnMetrics {
    journal: Box<dyn Journal>,
    metrics: Metrics,
    page: Page,
    server: Option<Server>,
}

impl Journal for OwnMetrics {
    fn tick(&mut self, tick: &TickSum) {
        self.metrics.tick(tick);
        self.journal.tick(tick);
    }

    fn promises(&mut self, lines: &[String]) {
        self.journal.promises(lines);
    }

    fn samples(&mut self, samples: &[Sample]) {
        self.journal.samples(samples);
    }

    fn snapshot(&mut self, snapshot: &Snapshot) {
        self.metrics.snapshot(snapshot);
        // Each tick ends with a snapshot.
        self.metrics.meters.hand_on();
        if self.server.is_some() {
            match self.metrics.meters.registry().render() {
                Ok(text) => self.page.publish(text),
                Err(error) => tracing::warn!(%error, "the metrics of this run cannot be shown"),
            }
        }
        self.journal.snapshot(snapshot);
    }

    fn failure(&self) -> Option<String> {
        self.journal.failure()
    }
}

struct Metrics {
    scenario: Arc<Scenario>,
    meters: Meters,
    busiest: Busiest,
    /// By step and kind, and by journey: what the counters say already.
    errors: BTreeMap<(u16, String), u64>,
    started: Vec<u64>,
}

impl Metrics {
    fn new(scenario: &Arc<Scenario>, meters: Meters) -> Self {
        Self {
            started: vec![0; scenario.journeys.len()],
            scenario: scenario.clone(),
            meters,
            busiest: Busiest::default(),
            errors: BTreeMap::new(),
        }
    }

    fn tick(&mut self, tick: &TickSum) {
        let scenario = self.scenario.clone();
        let of = [("scenario", scenario.name.as_str())];
        let meters = &mut self.meters;
        meters.gauge(metric::LOADGEN_TARGET_RATE, &of, tick.rate_planned);
        meters.gauge(metric::LOADGEN_ACHIEVED_RATE, &of, tick.rate_achieved);
        meters.gauge(
            metric::LOADGEN_ACTIVE_SHOPPERS,
            &of,
            f64::from(tick.shoppers),
        );
        meters.gauge(
            metric::LOADGEN_OPEN_CONNECTIONS,
            &of,
            f64::from(tick.connections),
        );
        if let Some(busy) = self.busiest.share_of(tick.length) {
            meters.gauge(metric::LOADGEN_CPU_BUSY, &of, busy);
        }
        meters.times(metric::LOADGEN_START_LAG, &of, &tick.start_lag);
        for (step, cell) in scenario.figures.iter().zip(&tick.figures) {
            self.step(&scenario.name, &step.name, cell);
        }
    }

    fn step(&mut self, scenario: &str, step: &str, cell: &StepStats) {
        let of = [("scenario", scenario), ("step", step)];
        let meters = &mut self.meters;
        meters.times(metric::LOADGEN_RESPONSE_TIME, &of, &cell.response);
        meters.times(metric::LOADGEN_SERVICE_TIME, &of, &cell.service);
        meters.times(metric::LOADGEN_FAILURE_TIME, &of, &cell.failure);
        let outcomes = [
            ("ok", cell.ok),
            ("foreseen", cell.outcomes),
            ("failed", cell.failed),
            ("timed_out", cell.timed_out),
            ("in_flight", cell.in_flight),
        ];
        for (outcome, count) in outcomes.into_iter().filter(|(_, count)| *count > 0) {
            let tags = [of[0], of[1], ("outcome", outcome)];
            meters.count(metric::LOADGEN_REQUESTS, &tags, count);
        }
    }

    /// What is only summed up over the whole run; the counters take the differences.
    fn snapshot(&mut self, snapshot: &Snapshot) {
        let scenario = ("scenario", self.scenario.name.as_str());
        for error in &snapshot.errors {
            let Some(step) = self.scenario.figures.get(usize::from(error.figure)) else {
                continue;
            };
            let tags = [
                scenario,
                ("step", step.name.as_str()),
                ("kind", error.name.as_str()),
            ];
            let told = self
                .errors
                .entry((error.figure, error.name.clone()))
                .or_default();
            let more = error.count.saturating_sub(*told);
            self.meters.count(metric::LOADGEN_ERRORS, &tags, more);
            *told = error.count.max(*told);
        }
        let journeys = self.scenario.journeys.iter().zip(&mut self.started);
        for ((journey, told), funnel) in journeys.zip(&snapshot.funnels) {
            // Who came to the first step has started.
            let started = funnel.first().copied().unwrap_or_default();
            let tags = [scenario, ("journey", journey.name.as_str())];
            let more = started.saturating_sub(*told);
            self.meters.count(metric::LOADGEN_ARRIVALS, &tags, more);
            *told = started.max(*told);
        }
    }
}
