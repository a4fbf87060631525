//! A valid scenario: what every other part works from.
//!
//! `scenario/file.rs` holds the loose shapes that people write, `scenario/check.rs` turns them into this one or
//! reports every mistake at once. Nothing here can be wrong any more: names are resolved to indices, units to
//! base units (seconds, bytes, ratios, arrivals a second), templates and conditions are compiled.
//!
//! Must not know: sockets, clocks, terminals, files.

mod change;
mod check;
pub mod file;
mod find;
mod load;
mod one_step;
mod reaching;
mod secrets;
pub(crate) mod sections;
mod tls;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::journey::Program;
use crate::run_id::RunId;
use crate::template::{Expr, Slot, Template, Value};

pub use change::{Changes, parse_duration, parse_rate, parse_set};
pub use check::units::{show_duration, show_rate};
pub use find::{BUILT_IN, LOCAL_FOLDER, ScenarioRef, all};
pub use load::{load, load_judged};
pub use one_step::{OneStep, OneStepLoad};
pub use reaching::{ConnectTo, Credentials, place};
pub use secrets::Secrets;
pub use tls::{TlsFiles, TlsMistake};

/// Index of a [`Step`] in [`Scenario::steps`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StepId(pub u16);

/// Index of a step's name in [`Scenario::figures`]. Steps with one name are measured together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StepNameId(pub u16);

/// Index of a business counter in [`Scenario::counters`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CounterId(pub u16);

/// One file, understood: who the shoppers are, how many arrive when, and what must hold.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// The scenario's name; also part of the run folder's name.
    pub name: String,
    /// What it is for, in the author's words.
    pub about: String,
    /// Where the text came from, for messages and for the run's record.
    pub source: Source,
    /// What shoppers do comes from this number.
    pub seed: u64,
    /// Keeps this run's keys apart from those of other runs with the same seed.
    pub run_id: RunId,
    /// Base URL of the system under test; `None` means the embedded shop.
    pub target: Option<String>,
    /// How many shoppers arrive when.
    pub load: Load,
    /// Samples whose intended time lies before this offset are left out of thresholds and totals' verdicts.
    pub warm_up: Duration,
    /// What the shoppers' browsers send besides the request itself.
    pub browser: Browser,
    /// Connections, time limits and size limits.
    pub http: Http,
    /// Who the shoppers are; never empty.
    pub personas: Vec<Persona>,
    /// What they do; never empty.
    pub journeys: Vec<Journey>,
    /// Every request of every journey.
    pub steps: Vec<Step>,
    /// Names under which steps are measured (routes), in order of first use.
    pub figures: Vec<StepName>,
    /// Names of business counters, such as `orders_paid`.
    pub counters: Vec<String>,
    /// Names of the shoppers' variables; a [`Slot`] is an index into it.
    pub variables: Vec<String>,
    /// Rows read from files before the run.
    pub feeders: Vec<Feeder>,
    /// Popularity distributions, by index from [`crate::template::Generator::Popular`].
    pub popularity: Vec<Popularity>,
    /// What must hold for exit code 0.
    pub thresholds: Vec<Threshold>,
    /// Bounds on what a run may use.
    pub limits: Limits,
    /// Requests made once before the load starts (for example: set the stock of the hot product). Indices into `steps`.
    pub prepare: Vec<StepId>,
    /// What may not be shown.
    pub secrets: Secrets,
}

/// Where a scenario came from.
#[derive(Debug, Clone, Default)]
pub struct Source {
    /// Path, or `built-in:<name>`, or `command line`.
    pub origin: String,
    /// SHA-256 of the text, in hexadecimal.
    pub hash: String,
}

/// A measured name and the labels that thresholds and reports group by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepName {
    /// The route, for example `GET /api/products/{id}`.
    pub name: String,
    /// The service that answers, for example `orders`; empty when unknown.
    pub service: String,
    /// Free labels.
    pub tags: Vec<String>,
}

/// The load model.
#[derive(Debug, Clone)]
pub enum Load {
    /// Journeys arrive on a schedule that does not wait for answers.
    Open {
        /// In order; each begins where the previous one ends.
        phases: Vec<Phase>,
        /// How arrivals lie within the curve.
        spacing: Spacing,
    },
    /// A fixed number of shoppers, each beginning a new journey when the last one has ended.
    Closed {
        /// Shoppers at the same time.
        shoppers: u32,
        /// When to stop.
        until: Until,
    },
}

/// The end of a closed load: whichever comes first; at least one is set.
#[derive(Debug, Clone, Copy)]
pub struct Until {
    /// After this long.
    pub elapsed: Option<Duration>,
    /// After this many journeys in all.
    pub journeys: Option<u64>,
}

/// A named stretch of an open load.
#[derive(Debug, Clone)]
pub struct Phase {
    /// `baseline`, `spike`, …: thresholds refer to it.
    pub name: String,
    /// How long it lasts.
    pub duration: Duration,
    /// Arrivals a second over the phase.
    pub curve: Curve,
}

/// Arrival rate as a function of the time since the phase began. Rates are journeys a second.
#[derive(Debug, Clone, PartialEq)]
pub enum Curve {
    /// The same rate throughout.
    Constant(f64),
    /// From one rate to another along a straight line.
    Ramp {
        /// Rate at the start.
        from: f64,
        /// Rate at the end.
        to: f64,
    },
    /// A staircase of `count` equal steps; the first runs at `from`, the last at `to`.
    Steps {
        /// Rate of the first step.
        from: f64,
        /// Rate of the last step.
        to: f64,
        /// Number of steps, at least 2.
        count: u32,
    },
    /// `base` throughout, but `peak` during `[at, at + width)`.
    Spike {
        /// Rate outside the spike.
        base: f64,
        /// Rate inside it.
        peak: f64,
        /// Begin of the spike since the phase began.
        at: Duration,
        /// Length of the spike.
        width: Duration,
    },
    /// A day: `low + (high − low) · (1 − cos(2π (t − peak_at)/period + π))/2`, highest at `peak_at`.
    Diurnal {
        /// Lowest rate.
        low: f64,
        /// Highest rate.
        high: f64,
        /// Length of one day.
        period: Duration,
        /// Time of the first maximum.
        peak_at: Duration,
    },
    /// Straight lines through (seconds since the phase began, rate); times rise strictly from 0.
    Replay(Vec<(f64, f64)>),
}

/// How arrivals lie within the curve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spacing {
    /// The n-th arrival where the integral of the rate reaches n.
    Even,
    /// A Poisson process along the curve, conditioned on its planned total.
    Poisson,
}

/// What a browser under RUM adds to every request.
#[derive(Debug, Clone)]
pub struct Browser {
    /// Whether shoppers call themselves browsers wherever they go; in the embedded shop they do in any case. Elsewhere they say
    /// honestly what they are.
    pub named: bool,
    /// Header formats, in order.
    pub propagators: Vec<Propagator>,
    /// Who claims to have started the trace; without a word of the scenario, see [`Scenario::trace_style`].
    pub style: Option<TraceStyle>,
    /// Share of sessions that are sampled, 0…1.
    pub session_sample: f64,
    /// Share of sampled sessions that are traced, 0…1.
    pub trace_sample: f64,
    /// Whether an unsampled session's requests carry headers with flag 0 (`true`) or none (`false`).
    pub inject_all: bool,
    /// Whether `baggage` is sent.
    pub baggage: bool,
    /// Whether a cross-origin preflight precedes a request whose (method, path, headers) this shopper has no permission for.
    pub preflight: bool,
}

impl Scenario {
    /// Whether shoppers call themselves browsers.
    pub fn names_browsers(&self) -> bool {
        self.browser.named || self.target.is_none()
    }

    /// Who claims to have started the traces: where the scenario says nothing, a browser under RUM in the embedded shop, and nobody
    /// elsewhere.
    pub fn trace_style(&self) -> TraceStyle {
        let default = match self.target {
            None => TraceStyle::Rum,
            Some(_) => TraceStyle::Off,
        };
        self.browser.style.unwrap_or(default)
    }
}

/// A trace header format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Propagator {
    /// W3C `traceparent` and `tracestate`.
    TraceContext,
    /// `x-datadog-*`.
    Datadog,
    /// `b3`, one header.
    B3,
    /// `X-B3-*`.
    B3Multi,
}

/// Whom the headers name as the trace's origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TraceStyle {
    /// A browser under RUM.
    Rum,
    /// A synthetic test: origin `synthetics`, parent id 0, priority 1.
    Synthetics,
    /// No trace headers at all.
    Off,
}

/// Connections, time and size limits of every request.
#[derive(Debug, Clone)]
pub struct Http {
    /// Longest wait for a whole response, connection included.
    pub timeout: Duration,
    /// Who shares connections with whom.
    pub connections: Connections,
    /// Largest response body read, in bytes; a larger one is the error `body_too_large`.
    pub body_bytes_max: u64,
    /// Redirects followed for one step.
    pub redirects_max: u8,
    /// Headers sent with every request: lower-case name, value.
    pub headers: Vec<(String, Template)>,
    /// The value of `authorization` for the target, and for no other place.
    pub auth: Option<Template>,
    /// Connections that go to another place than their URLs say.
    pub connect_to: Vec<ConnectTo>,
    /// TLS of all connections.
    pub tls: Tls,
}

/// Whom TLS connections trust, and what they show of themselves.
#[derive(Debug, Clone, Default)]
pub struct Tls {
    /// Authorities trusted in place of the system's.
    pub ca: Option<Arc<[CertificateDer<'static>]>>,
    /// Whether certificates are not verified at all.
    pub insecure: bool,
    /// What is shown to targets that ask for it.
    pub client: Option<Arc<ClientCertificate>>,
    /// Whether TLS 1.2 will not do.
    pub tls13_only: bool,
}

/// A client's certificate, those that lead from it to its authority, and its key.
#[derive(Debug)]
pub struct ClientCertificate {
    /// The client's own first.
    pub chain: Vec<CertificateDer<'static>>,
    /// Its key; `Debug` does not show it.
    pub key: PrivateKeyDer<'static>,
}

impl Scenario {
    /// Aims the scenario at a target. Credentials in its URL are taken out of it and sent to it; nobody sees them.
    pub fn aim_at(&mut self, target: &str) {
        let (target, credentials) = Credentials::taken_from(target);
        self.target = Some(target);
        if let Some(credentials) = credentials {
            self.authorize(&credentials);
        }
    }

    /// Sends these credentials to the target.
    pub fn authorize(&mut self, credentials: &Credentials) {
        self.secrets.redactor.learn(credentials.password.as_str());
        self.http.auth = Some(Template::text(&credentials.header()));
    }

    /// What is out of the ordinary about how the target is reached, in sentences for the record.
    pub fn remarks(&self) -> Vec<String> {
        let mut found = Vec::new();
        if self.http.tls.insecure {
            found.push(
                "certificates were not verified: whoever answered may have been anyone".to_owned(),
            );
        }
        for rule in &self.http.connect_to {
            let or_any = |field: Option<String>| field.unwrap_or_else(|| "*".to_owned());
            let port = |port: Option<u16>| port.map(|port| port.to_string());
            found.push(format!(
                "connections to {}:{} went to {}:{}",
                or_any(rule.host.clone()),
                or_any(port(rule.port)),
                or_any(rule.to_host.clone()),
                or_any(port(rule.to_port))
            ));
        }
        found
    }
}

/// Who shares connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connections {
    /// Each shopper has its own, as a browser does.
    PerShopper {
        /// Parallel connections of one shopper (browsers: 6).
        max: u16,
    },
    /// All shoppers take any free connection.
    Shared {
        /// Connections in all (split over workers); a request that finds none free waits, and its wait is measured.
        max: u32,
    },
}

/// A kind of shopper.
#[derive(Debug, Clone)]
pub struct Persona {
    /// For conditions and reports.
    pub name: String,
    /// Share among arrivals, relative to the other personas.
    pub weight: f64,
    /// Weights of the journeys (same order as [`Scenario::journeys`]) for this persona.
    pub journeys: Vec<f64>,
    /// Share of shoppers who have been here before, 0…1.
    pub returning: f64,
    /// Devices: name (`desktop`, `mobile`, `tablet`) and weight.
    pub devices: Vec<(String, f64)>,
    /// Browsers: name (`chrome`, `safari`, `firefox`, `edge`) and weight.
    pub browsers: Vec<(String, f64)>,
    /// ISO 3166 country codes and weights.
    pub countries: Vec<(String, f64)>,
    /// Fewest and most pieces in the basket.
    pub basket: (u32, u32),
    /// Share of shoppers whose card will be declined, 0…1.
    pub declined_cards: f64,
    /// Multiplies every think time.
    pub pace: f64,
    /// Variables of the whole file, set when the shopper arrives.
    pub defaults: Vec<(Slot, Expr)>,
    /// Variables of this persona, set after them.
    pub set: Vec<(Slot, Expr)>,
}

/// An ordered walk of one shopper.
#[derive(Debug, Clone)]
pub struct Journey {
    /// Its name.
    pub name: String,
    /// What the shopper does, compiled.
    pub program: Program,
    /// Steps of the funnel in the order of the file, for drop-off reports.
    pub funnel: Vec<StepNameId>,
}

/// What a step does. One line for each kind; [`crate::protocol`] says how each is carried out.
#[derive(Debug, Clone)]
pub enum StepKind {
    /// One HTTP exchange.
    Http(HttpRequest),
}

/// What is sent in one HTTP exchange.
#[derive(Debug, Clone)]
pub struct HttpRequest {
    /// Upper-case HTTP method.
    pub method: http::Method,
    /// Path and query (or absolute URL), percent-encoded where values are inserted.
    pub url: Template,
    /// Lower-case names and values of this step's own headers.
    pub headers: Vec<(String, Template)>,
    /// The request body, if any, and its content type.
    pub body: Option<Body>,
}

/// One exchange with the system under test.
#[derive(Debug, Clone)]
pub struct Step {
    /// Under which name it is measured.
    pub figure: StepNameId,
    /// What is sent.
    pub kind: StepKind,
    /// Overrides [`Http::timeout`].
    pub timeout: Option<Duration>,
    /// What is remembered from the response.
    pub extract: Vec<Extract>,
    /// What a response must satisfy. Without a status check, any status below 400 will do.
    pub checks: Vec<Check>,
    /// Answers that are part of business and not errors (a declined card, an empty shelf).
    pub outcomes: Vec<Outcome>,
    /// Business counters that a successful response adds to.
    pub counts: Vec<CounterId>,
    /// What the response promises, for `orders.jsonl`.
    pub promise: Option<Promise>,
    /// Whether the journey goes on after an error of this step.
    pub go_on_after_error: bool,
}

/// A request body.
#[derive(Debug, Clone)]
pub struct Body {
    /// The `content-type` header.
    pub content_type: String,
    /// The bytes.
    pub template: Template,
}

/// Where to take a value from.
#[derive(Debug, Clone)]
pub enum From {
    /// JSON pointer (RFC 6901) into the body.
    Json(String),
    /// A response header, lower case.
    Header(String),
    /// A cookie set by the response.
    Cookie(String),
    /// First capture group in the body.
    Regex(regex::bytes::Regex),
}

/// A value remembered from a response.
#[derive(Debug, Clone)]
pub struct Extract {
    /// Where it is kept.
    pub slot: Slot,
    /// Where it comes from.
    pub from: From,
    /// If missing: an error named `extract:<variable>` (`false`), or the variable is left unset (`true`).
    pub optional: bool,
}

/// A named condition on the response; a failed one is an error called by its name.
#[derive(Debug, Clone)]
pub struct Check {
    /// For example `status`, `json /total`, or the author's name for it.
    pub name: String,
    /// The test.
    pub test: Test,
}

impl Check {
    /// Whether it is about the status and has no name of its own: its error is called by the status that came.
    pub(crate) fn is_nameless_status(&self) -> bool {
        matches!(self.test, Test::Status(_)) && self.name == Self::STATUS
    }

    /// The name of a check of the status whose author gave it none.
    pub(crate) const STATUS: &str = "status";
}

/// A test on one response.
#[derive(Debug, Clone)]
pub enum Test {
    /// Status lies in one of the inclusive ranges.
    Status(Vec<(u16, u16)>),
    /// The value at a JSON pointer compares so.
    Json {
        /// RFC 6901.
        pointer: String,
        /// How.
        comparison: Comparison,
    },
    /// A header (lower case) compares so.
    Header {
        /// Lower case.
        name: String,
        /// How.
        comparison: Comparison,
    },
    /// The body contains the text.
    Contains(Literal),
    /// The body is at most so many bytes.
    BytesMax(u64),
    /// Service time is at most this.
    Within(Duration),
}

/// How two values are compared.
#[derive(Debug, Clone)]
pub enum Comparison {
    /// There is a value.
    Exists,
    /// There is none.
    Missing,
    /// Equal as text or as number.
    Is(Literal),
    /// Unequal, or missing.
    IsNot(Literal),
    /// A number below.
    Less(Literal),
    /// A number at or below.
    LessOrEqual(Literal),
    /// A number above.
    Greater(Literal),
    /// A number at or above.
    GreaterOrEqual(Literal),
    /// A text that contains this.
    Contains(Literal),
    /// One of these.
    OneOf(Vec<Literal>),
}

/// What a value is compared with.
#[derive(Debug, Clone)]
pub enum Literal {
    /// Text.
    Text(String),
    /// A number, as it is written.
    Number(String),
    /// true or false.
    Bool(bool),
    /// What the shopper knows at that time; never a value that is made anew each time.
    Value(Expr),
    /// A value that the shopper does not know: nothing is equal to it.
    Unset,
}

/// A foreseen answer that is neither success nor error.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// `card_declined`, `out_of_stock`, …: counted under this name.
    pub name: String,
    /// All must hold.
    pub tests: Vec<Test>,
    /// Whether the shopper leaves.
    pub leave: bool,
}

/// What a response promises to the client; written to `orders.jsonl` and checked by the audit.
#[derive(Debug, Clone)]
pub struct Promise {
    /// `order`, `user`, `cart`, `payment`, …
    pub kind: String,
    /// Pointer to the promised thing's id in the response, or a variable's value.
    pub fields: Vec<(String, PromiseField)>,
}

/// One field of a promise.
#[derive(Debug, Clone)]
pub enum PromiseField {
    /// JSON pointer into the response.
    Json(String),
    /// A value of the shopper.
    Value(Template),
}

/// A condition that steers a journey.
#[derive(Debug, Clone)]
pub enum Condition {
    /// The last response passes the test. Without a response it does not.
    Response(Test),
    /// A variable compares so.
    Variable(Slot, Comparison),
    /// The shopper's persona has this index.
    Persona(usize),
    /// The shopper has been here before.
    Returning,
    /// With this probability, 0…1.
    Chance(f64),
    /// The last step ended in the outcome of this name.
    Outcome(String),
    /// Not so.
    Not(Box<Condition>),
    /// All of them.
    All(Vec<Condition>),
    /// Any of them.
    Any(Vec<Condition>),
}

/// A think time.
#[derive(Debug, Clone, PartialEq)]
pub enum Think {
    /// Always the same.
    Constant(Duration),
    /// Anything between, evenly.
    Uniform(Duration, Duration),
    /// Exponential with this mean, cut at ten times the mean.
    Exponential(Duration),
    /// Normal with this mean and standard deviation; never below zero, and cut at the mean plus four deviations.
    Normal {
        /// Mean.
        mean: Duration,
        /// Standard deviation.
        deviation: Duration,
    },
    /// Log-normal with this median and sigma of the logarithm, cut at `median · e^(4 sigma)`.
    LogNormal {
        /// Median.
        median: Duration,
        /// Standard deviation of the natural logarithm.
        sigma: f64,
    },
}

/// Rows from a file.
#[derive(Debug, Clone)]
pub struct Feeder {
    /// Its name in templates.
    pub name: String,
    /// Column names.
    pub columns: Vec<String>,
    /// The rows, each as long as `columns`.
    pub rows: Vec<Vec<Value>>,
    /// In which order shoppers get rows.
    pub order: FeederOrder,
    /// What happens after the last row.
    pub exhausted: Exhausted,
}

/// In which order shoppers get rows. The n-th shopper's row depends on n and the seed alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeederOrder {
    /// Row n for shopper n.
    Sequential,
    /// Any row, evenly.
    Random,
    /// A seeded permutation: each row once before any comes again.
    Unique,
}

/// What happens after the last row of a feeder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exhausted {
    /// Begin again.
    Wrap,
    /// Later journeys are dropped with the reason `feeder_exhausted`.
    Drop,
}

/// A Zipf distribution over ranks `1..=items`: P(k) ∝ k^−exponent; rank k is mapped to an id by a seeded permutation.
#[derive(Debug, Clone, PartialEq)]
pub struct Popularity {
    /// Its name, for example `products`.
    pub name: String,
    /// Number of items.
    pub items: u64,
    /// Exponent, 0 is uniform.
    pub exponent: f64,
    /// If set, this item takes this share of all draws (a hot product).
    pub hot: Option<(u64, f64)>,
}

/// Bounds on what a run may use.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Most shoppers at the same time; arrivals beyond it are dropped, counted, and make the run invalid.
    pub shoppers_max: u32,
    /// Most open connections.
    pub connections_max: u32,
    /// How long work in flight may go on after the last arrival.
    pub drain: Duration,
    /// Start lag p99 above this makes the run invalid (or above a tenth of the median response, whichever is larger).
    pub start_lag_max: Duration,
}

/// Something that must hold.
#[derive(Debug, Clone)]
pub struct Threshold {
    /// As written.
    pub text: String,
    /// Which figure.
    pub measure: Measure,
    /// Of what.
    pub subject: Subject,
    /// The comparison.
    pub op: Op,
    /// The limit in base units: seconds, ratio, count, arrivals a second.
    pub limit: f64,
    /// Over which part of the run.
    pub over: Over,
}

/// A measurable figure.
#[derive(Debug, Clone, PartialEq)]
pub enum Measure {
    /// Quantile (0…1; 1 is the maximum) of response time.
    Response(f64),
    /// Quantile of service time.
    Service(f64),
    /// Quantile of the response time of what failed.
    Failure(f64),
    /// Quantile of the generator's own start lag.
    StartLag(f64),
    /// Quantile of the wait for a connection.
    ConnectionWait(f64),
    /// Errors / finished steps (foreseen outcomes are not errors).
    ErrorShare,
    /// Finished steps a second.
    Rate,
    /// A business counter's value.
    Count(CounterId),
    /// A business counter's value a minute.
    CountPerMinute(CounterId),
    /// Steps that ended in the named outcome.
    Outcome(String),
    /// Error share divided by the budget `1 − target`.
    Burn {
        /// Objective as ratio, for example 0.999.
        target: f64,
    },
}

/// What a figure is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// All steps together.
    Run,
    /// One step.
    Step(StepNameId),
    /// One journey (index), measured from arrival to end minus think times.
    Journey(usize),
    /// All steps answered by this service.
    Service(String),
    /// All steps with this tag.
    Tag(String),
}

/// Comparison in a threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `==` or `is`
    Equal,
}

/// Over which part of a run a threshold holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Over {
    /// All of it, warm-up left out.
    Run,
    /// One phase, by index.
    Phase(usize),
    /// Every sliding window of this length.
    Every(Duration),
}

/// `key=value` settings from the command line that replace values of the file before it is checked.
pub type Overrides = BTreeMap<String, String>;
