//! The parts of a scenario, each with its numbers in base units (seconds, bytes, ratios, arrivals a second) and its names resolved to
//! indices. Must not know: files, sockets, clocks, how any of it is carried out.

pub(crate) mod browser;
pub(crate) mod feeder;
pub(crate) mod http;
pub(crate) mod ids;
pub(crate) mod load;
pub(crate) mod persona;
pub(crate) mod step;
pub(crate) mod test;
pub(crate) mod think;
pub(crate) mod threshold;

pub use browser::{Browser, Propagator, TraceStyle};
pub use feeder::{Exhausted, Feeder, FeederOrder};
pub use http::{ClientCertificate, Connections, Http, HttpVersion, Tls};
pub use ids::{CounterId, StepId, StepNameId};
pub use load::{CrowdPhase, CrowdSize, Curve, Limits, Load, Phase, Spacing, Until};
pub use persona::{Persona, Popularity};
pub use step::{
    Body, Extract, From, HttpRequest, Journey, Outcome, Pick, Piece, Promise, PromiseField,
    Redirects, Step, StepKind, StepName, UrlPart,
};
pub use test::{Check, Comparison, Condition, Literal, PathTest, Quantity, Test};
pub use think::Think;
pub use threshold::{Measure, Op, Over, Subject, Threshold};
