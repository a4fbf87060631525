//! A scenario's steps made ready for sending: what can be computed before the run is.

use std::sync::Arc;

use crate::journey::{Op, Program};
use crate::protocol::http::request::Site;
pub use crate::protocol::http::request::has_user_info;
use crate::protocol::{Awaiting, PreparedKind};
use crate::scenario::{Condition, From, Load, PromiseField, Scenario, Step, StepId, Test};
use crate::transport::Origin;
use crate::transport::tls::ClientTls;

/// Kept of an erroneous answer's body when no outcome or check looks into it, bytes.
const ERROR_BODY_BYTES: usize = 16 * 1024;

/// All steps of a scenario, ready.
#[derive(Debug)]
pub struct Plan {
    steps: Vec<PreparedStep>,
    site: Site,
    tls: Arc<ClientTls>,
}

/// One step, ready.
#[derive(Debug)]
pub(crate) struct PreparedStep {
    /// What its protocol has made of it.
    pub(crate) kind: PreparedKind,
    /// How its answer is waited for and kept.
    pub(crate) awaiting: Awaiting,
    /// Whether a JSONPath is asked of its answer, which may take long.
    pub(crate) asks_paths: bool,
}

impl Plan {
    /// Makes a scenario's steps ready for a target.
    ///
    /// # Errors
    /// A sentence for people when the target is no usable URL, a fixed URL or header of a step is not valid, or no TLS connection
    /// can be made to a target that needs one.
    pub fn new(scenario: &Scenario, target: &str) -> Result<Self, String> {
        let site = Site::new(target)?;
        let tls = ClientTls::new(&scenario.http);
        if site.origin.tls {
            tls.prepare()?;
        }
        let prepared = |(step, id): (&Step, u16)| {
            Ok(PreparedStep {
                kind: PreparedKind::new(&step.kind, &scenario.http, &site)?,
                awaiting: awaiting(scenario, StepId(id), step),
                asks_paths: asks_paths(step),
            })
        };
        let steps = scenario.steps.iter().zip(0..).map(prepared);
        Ok(Self {
            steps: steps.collect::<Result<_, String>>()?,
            site,
            tls: Arc::new(tls),
        })
    }

    /// A step by its id.
    pub(crate) fn step(&self, id: StepId) -> &PreparedStep {
        &self.steps[usize::from(id.0)]
    }

    /// TLS of the run.
    pub(crate) fn tls(&self) -> Arc<ClientTls> {
        self.tls.clone()
    }

    /// The target's origin.
    pub fn target(&self) -> &Arc<Origin> {
        &self.site.origin
    }
}

fn awaiting(scenario: &Scenario, id: StepId, step: &Step) -> Awaiting {
    let keep_bytes = if needs_body(scenario, step) {
        to_usize(scenario.http.body_bytes_max)
    } else {
        0
    };
    Awaiting {
        timeout: step.timeout.unwrap_or(scenario.http.timeout),
        keep_bytes,
        keep_error_bytes: keep_bytes.max(ERROR_BODY_BYTES),
        followed_at_once: followed_at_once(scenario, id),
    }
}

/// Whether another request may follow a step's answer at once: in its journey, or because the next journey of a fixed crowd
/// does. What is sent together is waited for together.
fn followed_at_once(scenario: &Scenario, id: StepId) -> bool {
    let in_journey = |program: &Program| {
        program.ops.iter().zip(1..).any(|(op, next)| match op {
            Op::Send(step) => *step == id && program.may_send_at_once(next),
            Op::Together(steps) => steps.contains(&id),
            _ => false,
        })
    };
    matches!(scenario.load, Load::Closed { .. })
        || scenario
            .journeys
            .iter()
            .any(|journey| in_journey(&journey.program))
}

/// Whether anything looks into the bodies of this step's answers.
fn needs_body(scenario: &Scenario, step: &Step) -> bool {
    let test = looks_into_body;
    step.extract.iter().any(|extract| is_in_body(&extract.from))
        || step.checks.iter().any(|check| test(&check.test))
        || step
            .outcomes
            .iter()
            .any(|outcome| outcome.tests.iter().any(test))
        || step.promise.iter().any(|promise| {
            promise
                .fields
                .iter()
                .any(|(_, field)| matches!(field, PromiseField::Json(_) | PromiseField::Path(_)))
        })
        || scenario
            .journeys
            .iter()
            .any(|journey| looks_into_bodies(&journey.program))
}

fn asks_paths(step: &Step) -> bool {
    fn takes(from: &From) -> bool {
        match from {
            From::Path(..) => true,
            From::Within(from, _) => takes(from),
            _ => false,
        }
    }
    let outcomes = step.outcomes.iter().flat_map(|outcome| &outcome.tests);
    let mut tests = step.checks.iter().map(|check| &check.test).chain(outcomes);
    let mut fields = step.promise.iter().flat_map(|promise| &promise.fields);
    tests.any(|test| matches!(test, Test::Path(_)))
        || step.extract.iter().any(|extract| takes(&extract.from))
        || fields.any(|(_, field)| matches!(field, PromiseField::Path(_)))
}

fn is_in_body(from: &From) -> bool {
    match from {
        From::Json(_) | From::Path(..) | From::Regex(_) => true,
        From::Within(from, _) => is_in_body(from),
        From::Header(_) | From::Cookie(_) | From::Url(_) | From::Parameter(_) | From::Hop(..) => {
            false
        }
    }
}

fn looks_into_body(test: &Test) -> bool {
    matches!(
        test,
        Test::Json { .. } | Test::Path(_) | Test::Contains(_) | Test::BytesMax(_)
    )
}

fn looks_into_bodies(program: &Program) -> bool {
    fn condition(of: &Condition) -> bool {
        match of {
            Condition::Response(test) => looks_into_body(test),
            Condition::Not(inner) => condition(inner),
            Condition::All(inner) | Condition::Any(inner) => inner.iter().any(condition),
            _ => false,
        }
    }
    program
        .ops
        .iter()
        .any(|op| matches!(op, Op::Unless(of, _) if condition(of)))
}

fn to_usize(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}
