//! The shapes that people write: serde and schemars types for scenario files. Their doc comments are the schema's
//! descriptions and so the help in messages and editors.
//!
//! Loose on purpose: units, templates, conditions and names are still text here. `scenario/check.rs` turns this into
//! a valid scenario. Must not know: what a run does with it.

mod journey;
mod load;
mod request;
mod response;
mod scalar;
mod text;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

pub use journey::{
    BranchShape, ForEachStep, JourneyShape, NormalShape, RepeatShape, StepShape, ThinkShape,
};
pub use load::{
    ClosedShape, CrowdPhaseShape, DiurnalShape, LoadShape, OneByOneShape, OpenShape, PhaseShape,
    RampShape, SpacingShape, SpikeShape, StepsShape,
};
pub use request::{
    CountShape, HeaderShape, OnError, PartDetail, PartOne, PartShape, RedirectsShape,
    RedirectsWord, RequestShape,
};
pub use response::{
    CheckShape, ChecksShape, ComparisonDetail, ComparisonShape, ExtractDetail, ExtractShape,
    OutcomeShape, OutcomeThen, PickShape, StatusOne, StatusShape, UrlPartShape,
};
pub use scalar::Scalar;
pub use text::{
    ConditionText, DurationText, FieldName, NameText, PercentText, PointerText, RangeText,
    RateText, SecretName, SizeText, TargetText, ThinkText, ThresholdText, UrlText, VariableName,
};

/// A loadgen scenario: who the shoppers are, how many arrive when, and what must hold.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "scenario")]
pub struct File {
    /// Short name; it becomes part of the run folder's name.
    pub name: NameText,
    /// What the scenario is for, in a sentence or two.
    pub about: Option<String>,
    /// All randomness of a run comes from this number; default 1.
    pub seed: Option<u64>,
    /// Base URL of the shop under test. Without it loadgen starts the built-in shop.
    pub target: Option<TargetText>,
    /// How many shoppers arrive when.
    pub load: LoadShape,
    /// This long after the start nothing counts for thresholds; default 0s.
    pub warm_up: Option<DurationText>,
    /// What the shoppers' browsers send besides the request itself. Without it shoppers of the built-in shop are browsers
    /// under RUM; elsewhere they send no trace headers and call themselves `loadgen`.
    pub browser: Option<BrowserShape>,
    /// Connections, time limits and headers of all requests.
    pub http: Option<HttpShape>,
    /// Bounds on what a run may use.
    pub limits: Option<LimitsShape>,
    /// Popularity distributions for `${popular(name)}`.
    pub popularity: Option<IndexMap<FieldName, PopularityShape>>,
    /// Rows from files for `${name.column}`.
    pub feeders: Option<IndexMap<FieldName, FeederShape>>,
    /// Values that every shopper starts with; `--set name=value` replaces one.
    pub variables: Option<IndexMap<VariableName, Scalar>>,
    /// Kinds of shoppers; without it there is one kind, `shopper`.
    #[schemars(length(min = 1))]
    pub personas: Option<Vec<PersonaShape>>,
    /// What shoppers do, at least one journey.
    #[schemars(length(min = 1))]
    pub journeys: Vec<JourneyShape>,
    /// Requests made once, in order, before the load begins.
    pub prepare: Option<Vec<RequestShape>>,
    /// What must hold for exit code 0, such as `p99 < 800 ms`.
    pub thresholds: Option<Vec<ThresholdText>>,
    /// Names of headers, fields, parameters and variables whose values are never shown, besides the usual ones such as
    /// `password` and `authorization`.
    #[schemars(length(max = 1000))]
    pub secrets: Option<Vec<SecretName>>,
}

/// What the shoppers' browsers send besides the request itself.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
#[schemars(title = "browser")]
pub struct BrowserShape {
    /// Trace header formats; default `[tracecontext, datadog]`.
    #[schemars(length(min = 1))]
    pub headers: Option<Vec<PropagatorShape>>,
    /// Who claims to have started the traces: a browser under RUM (`rum`, the default of this section), a synthetic test
    /// (`synthetics`), or nobody (`off`).
    pub style: Option<StyleShape>,
    /// Share of sessions that are sampled; default 100%.
    pub session_sample: Option<PercentText>,
    /// Share of sampled sessions that are traced; default 100%.
    pub trace_sample: Option<PercentText>,
    /// Whether the browsers of sampled sessions also send RUM events; default true, with `style: rum`.
    pub rum_events: Option<bool>,
    /// Whether unsampled sessions send headers too, with the flag 0 (`all`), or none (`sampled`, the default).
    pub inject: Option<InjectShape>,
    /// Whether `baggage` is sent; default true.
    pub baggage: Option<bool>,
    /// Whether a CORS preflight precedes each new kind of request; default false.
    pub preflight: Option<bool>,
}

/// A trace header format.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PropagatorShape {
    /// W3C `traceparent` and `tracestate`.
    TraceContext,
    /// `x-datadog-*`.
    Datadog,
    /// `b3` in one header.
    B3,
    /// `X-B3-*`.
    B3Multi,
}

/// Who claims to have started the traces.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum StyleShape {
    /// A browser under RUM.
    Rum,
    /// A synthetic test.
    Synthetics,
    /// No trace headers.
    Off,
}

/// Whose requests carry trace headers.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum InjectShape {
    /// Those of sampled sessions.
    Sampled,
    /// All.
    All,
}

/// Connections, time limits and headers of all requests.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
#[schemars(title = "`http` section")]
pub struct HttpShape {
    /// Longest wait for a whole response; default 10s.
    pub timeout: Option<DurationText>,
    /// Who shares connections: `per-shopper` (the default, 6 each as in a browser), `shared`, or with a number:
    /// `{ per-shopper: 2 }`, `{ shared: 500 }`.
    pub connections: Option<ConnectionsShape>,
    /// Largest response body read; default 16 MiB.
    pub body_max: Option<SizeText>,
    /// Redirects followed for one step; default 10.
    pub redirects_max: Option<u8>,
    /// Headers sent with every request: a value, or a list of values.
    pub headers: Option<IndexMap<String, HeaderShape>>,
    /// Who the shoppers are to the target, as basic or bearer authorization; sent to the target alone.
    pub auth: Option<AuthShape>,
    /// Places (`host` or `host:port`, as in URLs) and where connections to them really go.
    #[schemars(extend("minProperties" = 1))]
    pub connect_to: Option<IndexMap<String, String>>,
    /// A proxy for all requests, such as `http://me:secret@proxy.example:3128`, or `environment`: those of `HTTP_PROXY`,
    /// `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`. None without it.
    pub proxy: Option<String>,
    /// Which version is spoken: `auto` (the default: over TLS 2 if the target chooses it, else 1.1), `1.1`, or `2`, which means 2
    /// without TLS as well.
    pub version: Option<Scalar>,
    /// TLS of all connections.
    pub tls: Option<TlsShape>,
}

/// Who a shopper is to a target: exactly one of `basic` and `bearer`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(title = "authorization")]
pub struct AuthShape {
    /// User name and password.
    pub basic: Option<BasicShape>,
    /// A token.
    pub bearer: Option<Scalar>,
}

/// User name and password.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "basic authorization")]
pub struct BasicShape {
    /// Who.
    pub user: Scalar,
    /// Better from the environment than in the file: `${env.PASSWORD}`.
    pub password: Scalar,
}

/// TLS of all connections. Files are PEM, relative to the scenario file.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
#[schemars(title = "`tls` section")]
pub struct TlsShape {
    /// Authorities that are trusted in place of the system's (or of `SSL_CERT_FILE`).
    pub ca: Option<String>,
    /// Certificates are not verified; default false. The run's record says so.
    pub insecure: Option<bool>,
    /// Certificate that is shown to targets that ask for one, with those that lead to its authority.
    pub client_cert: Option<String>,
    /// Its key, if that is not in the same file.
    pub client_key: Option<String>,
    /// Lowest version: `1.2` (the default) or `1.3`.
    pub min_version: Option<Scalar>,
}

/// Who shares connections.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum ConnectionsShape {
    /// With the usual number.
    Word(ConnectionsWord),
    /// With a number.
    PerShopper(ConnectionsPerShopper),
    /// With a number.
    Shared(ConnectionsShared),
}

/// Who shares connections, with the usual number: 6 a shopper, or 1,000 in all.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ConnectionsWord {
    /// Each shopper has its own.
    PerShopper,
    /// All shoppers take any free one.
    Shared,
}

/// Each shopper has its own connections.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ConnectionsPerShopper {
    /// Parallel connections of one shopper, 1 to 64.
    #[schemars(range(min = 1, max = 64))]
    pub per_shopper: u16,
}

/// All shoppers take any free connection.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ConnectionsShared {
    /// Connections in all, 1 to 100,000.
    #[schemars(range(min = 1, max = 100_000))]
    pub shared: u32,
}

/// Bounds on what a run may use.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
#[schemars(title = "`limits` section")]
pub struct LimitsShape {
    /// Most shoppers at the same time; default 100000. Arrivals beyond it are dropped and make the run INVALID.
    #[schemars(range(min = 1, max = 10_000_000))]
    pub shoppers: Option<u32>,
    /// Most open connections; default 10000.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub connections: Option<u32>,
    /// How long work in flight may go on after the last arrival; default 30s.
    pub drain: Option<DurationText>,
    /// Start lag p99 above this makes the run INVALID; default 5ms.
    pub start_lag: Option<DurationText>,
}

/// A Zipf distribution: rank k is drawn in proportion to 1/k^exponent.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "popularity")]
pub struct PopularityShape {
    /// Number of items; ids run from 1 to it.
    #[schemars(range(min = 1, max = 1_000_000_000))]
    pub items: u64,
    /// 0 makes all items equally popular; 1 is typical of shops. Default 1.
    #[schemars(range(min = 0, max = 10))]
    pub exponent: Option<f64>,
    /// One item that takes a share of all draws by itself.
    pub hot: Option<HotShape>,
}

/// One item that takes a share of all draws by itself.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "hot item")]
pub struct HotShape {
    /// The item's id.
    #[schemars(range(min = 1))]
    pub item: u64,
    /// Its share of all draws.
    pub share: PercentText,
}

/// Rows from a file.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "feeder")]
pub struct FeederShape {
    /// A `.csv` file whose first row names the columns, or a `.jsonl` file with one object a line; relative to the
    /// scenario file.
    pub file: String,
    /// In which order shoppers get rows: `sequential` (the default), `random`, or `unique` (each row once, shuffled).
    pub order: Option<FeederOrderShape>,
    /// After the last row: `wrap` begins again (the default), `drop` drops later journeys, `stop` ends the load.
    pub when_exhausted: Option<ExhaustedShape>,
    /// What stands between the values of a `.csv` file: one sign, or `tab`; default `,`.
    #[schemars(length(min = 1, max = 3))]
    pub delimiter: Option<String>,
    /// How the file's characters are written; default `utf-8`.
    pub encoding: Option<EncodingShape>,
}

/// In which order shoppers get rows.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FeederOrderShape {
    /// Row n for shopper n.
    Sequential,
    /// Any row.
    Random,
    /// Each row once, shuffled.
    Unique,
    /// The same as `unique`.
    Shuffle,
}

/// What happens after the last row.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ExhaustedShape {
    /// Begin again.
    Wrap,
    /// Drop later journeys.
    Drop,
    /// End the load.
    Stop,
}

/// How characters are written in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum EncodingShape {
    /// UTF-8.
    #[serde(rename = "utf-8", alias = "utf8")]
    Utf8,
    /// A byte each, as in Western Europe (windows-1252, of which ISO 8859-1 is a part).
    #[serde(
        rename = "latin-1",
        alias = "latin1",
        alias = "iso-8859-1",
        alias = "windows-1252"
    )]
    Latin1,
}

/// A kind of shopper.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "persona")]
pub struct PersonaShape {
    /// For conditions (`persona is …`) and reports.
    pub name: NameText,
    /// Share among arrivals, relative to the other personas; default 1.
    pub weight: Option<f64>,
    /// Share of shoppers who have been here before; default 0%.
    pub returning: Option<PercentText>,
    /// Weights of `desktop`, `mobile`, `tablet`.
    pub devices: Option<DevicesShape>,
    /// Weights of `chrome`, `safari`, `firefox`, `edge`.
    pub browsers: Option<BrowsersShape>,
    /// Weights of countries by their two-letter code.
    pub countries: Option<IndexMap<String, f64>>,
    /// Pieces in the basket, such as `1..4`; default 1.
    pub basket: Option<RepeatShape>,
    /// Share of shoppers whose card will be declined; default 0%.
    pub declined_cards: Option<PercentText>,
    /// Multiplies every think time; default 1.
    #[schemars(range(min = 0, max = 1000))]
    pub pace: Option<f64>,
    /// Weights of journeys for this persona; default: the journeys' own weights.
    pub journeys: Option<IndexMap<String, f64>>,
    /// Variables that the shopper starts with.
    pub set: Option<IndexMap<VariableName, Scalar>>,
}

/// Weights of devices.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(title = "mix of devices")]
pub struct DevicesShape {
    /// Desktop computers.
    pub desktop: Option<f64>,
    /// Telephones.
    pub mobile: Option<f64>,
    /// Tablets.
    pub tablet: Option<f64>,
}

/// Weights of browsers.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(title = "mix of browsers")]
pub struct BrowsersShape {
    /// Chrome.
    pub chrome: Option<f64>,
    /// Safari.
    pub safari: Option<f64>,
    /// Firefox.
    pub firefox: Option<f64>,
    /// Edge.
    pub edge: Option<f64>,
}
