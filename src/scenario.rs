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
pub(crate) mod model;
mod one_step;
mod proxy;
mod reaching;
mod secrets;
pub(crate) mod sections;
mod telemetry;
mod tls;

use std::collections::BTreeMap;
use std::time::Duration;

use crate::run_id::RunId;
use crate::template::Template;

pub use change::{Changes, parse_duration, parse_rate, parse_set};
pub use check::units::{show_duration, show_rate};
pub use find::{BUILT_IN, LOCAL_FOLDER, ScenarioRef, all};
pub use load::{load, load_judged};
pub use model::{
    Body, Browser, Check, ClientCertificate, Comparison, Condition, Connections, CounterId,
    CrowdPhase, CrowdSize, Curve, Exhausted, Extract, Feeder, FeederOrder, From, Http, HttpRequest,
    HttpVersion, Journey, Limits, Literal, Load, Measure, Op, Outcome, Over, PathTest, Persona,
    Phase, Pick, Piece, Popularity, Promise, PromiseField, Propagator, Quantity, Redirects,
    Spacing, Step, StepId, StepKind, StepName, StepNameId, Subject, Test, Think, Threshold, Tls,
    TraceStyle, Until, UrlPart,
};
pub use one_step::{OneStep, OneStepLoad};
pub use proxy::{Proxies, Proxy};
pub use reaching::{ConnectTo, Credentials, places};
pub use secrets::Secrets;
pub use tls::{TlsFiles, TlsMistake};

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
        found.extend(self.http.proxies.remarks(self.target.as_deref()));
        for rule in &self.http.connect_to {
            let or_any = |field: Option<String>| field.unwrap_or_else(|| "*".to_owned());
            let port = |port: Option<u16>| port.map(|port| port.to_string());
            found.push(format!(
                "connections to {}:{} went to {}:{}",
                or_any(rule.host.clone()),
                or_any(port(rule.port)),
                match rule.to_hosts.is_empty() {
                    true => "*".to_owned(),
                    false => rule.to_hosts.join(" or "),
                },
                or_any(port(rule.to_port))
            ));
        }
        found
    }
}

/// `key=value` settings from the command line that replace values of the file before it is checked.
pub type Overrides = BTreeMap<String, String>;
