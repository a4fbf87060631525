//! Steps made ready for sending: what can be computed before the run is.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::uri::PathAndQuery;
use url::Url;

use crate::journey::{Op, Program};
use crate::scenario::{Condition, From, Load, PromiseField, Scenario, Step, StepId, Test};
use crate::shopper::{Shopper, World};
use crate::template::{Part, Template};
use crate::transport::{Failure, Origin};

/// Kept of an erroneous answer's body when no outcome or check looks into it, bytes.
const ERROR_BODY_BYTES: usize = 16 * 1024;

/// All steps of a scenario, ready.
#[derive(Debug)]
pub struct Plan {
    steps: Vec<PreparedStep>,
    target: Arc<Origin>,
}

/// One step, ready.
#[derive(Debug)]
pub struct PreparedStep {
    url: Prepared<(Arc<Origin>, PathAndQuery)>,
    /// Headers of the step and of the scenario, `content-type` included.
    headers: Vec<(HeaderName, Prepared<HeaderValue>)>,
    body: Option<Prepared<Bytes>>,
    /// Longest wait for the answer.
    pub timeout: Duration,
    /// How much of a successful answer's body is kept.
    pub keep_bytes: usize,
    /// How much of an erroneous answer's body is kept.
    pub keep_error_bytes: usize,
    /// Whether what the shopper does after it may be another request at once.
    pub followed_at_once: bool,
}

/// Known before the run, or different each time.
#[derive(Debug)]
enum Prepared<T> {
    Fixed(T),
    Rendered(Template),
}

impl Plan {
    /// Makes a scenario's steps ready for a target.
    ///
    /// # Errors
    /// A sentence for people when the target is no usable URL or a fixed URL or header of a step is not valid.
    pub fn new(scenario: &Scenario, target: &str) -> Result<Self, String> {
        let base =
            Url::parse(target).map_err(|e| format!("the target '{target}' is no URL: {e}"))?;
        if has_user_info(&base) {
            return Err(USER_INFO.to_owned());
        }
        let origin = Arc::new(Origin::of_url(&base)?);
        let prefix = base.path().trim_end_matches('/').to_owned();
        let steps = scenario
            .steps
            .iter()
            .zip(0..)
            .map(|(step, id)| PreparedStep::new(scenario, StepId(id), step, &origin, &prefix))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            steps,
            target: origin,
        })
    }

    /// A step by its id.
    pub fn step(&self, id: StepId) -> &PreparedStep {
        &self.steps[usize::from(id.0)]
    }

    /// The target's origin.
    pub fn target(&self) -> &Arc<Origin> {
        &self.target
    }
}

/// What is said about a target with a user name in it.
pub const USER_INFO: &str = "the target has a user name or a password in it, which is not sent; take it out, and set \
    `authorization` under `http.headers` in the scenario";

/// Whether a URL carries a user name or a password.
pub fn has_user_info(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}

impl PreparedStep {
    fn new(
        scenario: &Scenario,
        id: StepId,
        step: &Step,
        origin: &Arc<Origin>,
        prefix: &str,
    ) -> Result<Self, String> {
        let url = match fixed(&step.url) {
            Some(text) => Prepared::Fixed(locate(&text, origin, prefix)?),
            None => Prepared::Rendered(prefixed(&step.url, prefix)),
        };
        let content_type = step.body.as_ref().map(|body| {
            (
                CONTENT_TYPE.as_str().to_owned(),
                Template::text(&body.content_type),
            )
        });
        let mut headers: Vec<(HeaderName, Prepared<HeaderValue>)> = Vec::new();
        // The more special comes later and wins.
        for (name, value) in scenario
            .http
            .headers
            .iter()
            .chain(&content_type)
            .chain(&step.headers)
        {
            let name = HeaderName::try_from(name.as_str())
                .map_err(|_| format!("'{name}' is no valid header name"))?;
            let value = prepare(value, |text| {
                HeaderValue::from_str(text)
                    .map_err(|_| format!("'{text}' is no valid value of {name}"))
            })?;
            headers.retain(|(known, _)| *known != name);
            headers.push((name, value));
        }
        let body = step.body.as_ref().map(|body| {
            prepare(&body.template, |text| {
                Ok(Bytes::copy_from_slice(text.as_bytes()))
            })
        });
        let keep_bytes = if needs_body(scenario, step) {
            to_usize(scenario.http.body_bytes_max)
        } else {
            0
        };
        Ok(Self {
            url,
            headers,
            body: body.transpose()?,
            timeout: step.timeout.unwrap_or(scenario.http.timeout),
            keep_bytes,
            keep_error_bytes: keep_bytes.max(ERROR_BODY_BYTES),
            followed_at_once: followed_at_once(scenario, id),
        })
    }

    /// Where this shopper's request goes.
    ///
    /// # Errors
    /// When the values make no valid URL.
    pub fn url(
        &self,
        world: &World,
        shopper: &mut Shopper,
        origin: &Arc<Origin>,
    ) -> Result<(Arc<Origin>, PathAndQuery), Failure> {
        match &self.url {
            Prepared::Fixed((origin, path)) => Ok((origin.clone(), path.clone())),
            Prepared::Rendered(template) => {
                let mut out = Vec::with_capacity(128);
                template.render(world, shopper, &mut out);
                if out.starts_with(b"/") {
                    let path = PathAndQuery::from_maybe_shared(Bytes::from(out))
                        .map_err(|_| Failure::BadRequest)?;
                    return Ok((origin.clone(), path));
                }
                let text = String::from_utf8(out).map_err(|_| Failure::BadRequest)?;
                locate(&text, origin, "").map_err(|_| Failure::BadRequest)
            }
        }
    }

    /// Adds this step's own headers.
    ///
    /// # Errors
    /// When a value has characters that no header may have.
    pub fn add_headers(
        &self,
        world: &World,
        shopper: &mut Shopper,
        out: &mut http::HeaderMap,
    ) -> Result<(), Failure> {
        for (name, value) in &self.headers {
            let value = match value {
                Prepared::Fixed(value) => value.clone(),
                Prepared::Rendered(template) => {
                    let mut text = Vec::with_capacity(64);
                    template.render(world, shopper, &mut text);
                    HeaderValue::from_maybe_shared(Bytes::from(text))
                        .map_err(|_| Failure::BadRequest)?
                }
            };
            out.insert(name.clone(), value);
        }
        Ok(())
    }

    /// The request's body; empty for none.
    pub fn body(&self, world: &World, shopper: &mut Shopper) -> Bytes {
        match &self.body {
            None => Bytes::new(),
            Some(Prepared::Fixed(bytes)) => bytes.clone(),
            Some(Prepared::Rendered(template)) => {
                let mut out = Vec::with_capacity(256);
                template.render(world, shopper, &mut out);
                Bytes::from(out)
            }
        }
    }
}

fn prepare<T>(
    template: &Template,
    make: impl Fn(&str) -> Result<T, String>,
) -> Result<Prepared<T>, String> {
    match fixed(template) {
        Some(text) => make(&text).map(Prepared::Fixed),
        None => Ok(Prepared::Rendered(template.clone())),
    }
}

/// The text of a template without holes.
fn fixed(template: &Template) -> Option<String> {
    template
        .parts
        .iter()
        .map(|part| match part {
            Part::Text(text) => Some(text.as_ref()),
            Part::Value(..) => None,
        })
        .collect()
}

/// A path goes below the target's own path; an absolute URL stays as it is.
fn prefixed(url: &Template, prefix: &str) -> Template {
    let is_path = matches!(url.parts.first(), Some(Part::Text(text)) if text.starts_with('/'));
    let mut prefixed = url.clone();
    if is_path && !prefix.is_empty() {
        prefixed.parts.insert(0, Part::Text(prefix.into()));
    }
    prefixed
}

/// Origin and path of a path below the target, or of an absolute URL.
pub fn locate(
    text: &str,
    target: &Arc<Origin>,
    prefix: &str,
) -> Result<(Arc<Origin>, PathAndQuery), String> {
    let path = |text: &str| {
        PathAndQuery::try_from(text).map_err(|e| format!("'{text}' is no valid path: {e}"))
    };
    if text.starts_with('/') {
        return Ok((target.clone(), path(&format!("{prefix}{text}"))?));
    }
    let url = Url::parse(text)
        .map_err(|e| format!("'{text}' is neither a path that begins with '/' nor a URL: {e}"))?;
    let origin = Origin::of_url(&url)?;
    let origin = if origin == **target {
        target.clone()
    } else {
        Arc::new(origin)
    };
    Ok((
        origin,
        path(&url[url::Position::BeforePath..url::Position::AfterQuery])?,
    ))
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
    step.extract
        .iter()
        .any(|extract| matches!(extract.from, From::Json(_) | From::Regex(_)))
        || step.checks.iter().any(|check| test(&check.test))
        || step
            .outcomes
            .iter()
            .any(|outcome| outcome.tests.iter().any(test))
        || step.promise.iter().any(|promise| {
            promise
                .fields
                .iter()
                .any(|(_, field)| matches!(field, PromiseField::Json(_)))
        })
        || scenario
            .journeys
            .iter()
            .any(|journey| looks_into_bodies(&journey.program))
}

fn looks_into_body(test: &Test) -> bool {
    matches!(
        test,
        Test::Json { .. } | Test::Contains(_) | Test::BytesMax(_)
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
