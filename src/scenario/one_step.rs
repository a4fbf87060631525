<<<<<<< HEAD
//! A scenario of one request, made from flags: `loadgen run --url …`.
//!
//! The flags become the text of a scenario file, so that they mean and allow exactly what a file does.

use std::time::Duration;

use checked_yaml::Problems;
use http::Uri;
use serde_json::{Value, json};

use super::find::ScenarioRef;
use super::load::load_text;
use super::{Changes, Scenario};

/// Connections that an open load of one request shares.
const CONNECTIONS_OPEN: u32 = 1000;
/// What messages and records call it.
const ORIGIN: &str = "command line";

/// One request, and how often.
#[derive(Debug, Clone)]
pub struct OneStep {
    /// Absolute URL; `${…}` inserts values as in a file.
    pub url: String,
    /// The HTTP method.
    pub method: String,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// The body; its content type is that of the headers, else JSON or text by its first character.
    pub body: Option<String>,
    /// How often.
    pub load: OneStepLoad,
    /// Longest wait for a response.
    pub timeout: Option<Duration>,
    /// Header formats for traces; none sends none.
    pub traced: bool,
}

/// How often a single request is sent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum OneStepLoad {
    /// On a schedule.
    Open {
        /// Requests a second.
        rate: f64,
        /// For so long.
        duration: Duration,
        /// At equal distances instead of at random.
        even: bool,
    },
    /// In a loop over so many connections.
    Closed {
        /// Connections, each with one request in flight.
        connections: u32,
        /// For so long.
        duration: Option<Duration>,
        /// So many requests in all.
        requests: Option<u64>,
    },
}

impl Scenario {
    /// Makes a scenario of one request.
    ///
    /// # Errors
    /// Everything that is wrong with the request.
    pub fn one_step(step: &OneStep) -> Result<Self, Problems> {
        let (target, path) = split(&step.url)?;
        let file = file_json(step, &target, &path);
        // JSON is YAML: the text is checked like any file.
        let text = format!("{file:#}\n");
        let origin = ScenarioRef::Path(ORIGIN.into());
        load_text(&origin, &text, &Changes::default())
    }
}

/// Base URL and path with query.
fn split(url: &str) -> Result<(String, String), Problems> {
    let refuse = |reason: &str| {
        let message = format!("--url {url}: {reason}");
        Problems::without_text(
            "--url",
            message,
            "for example `--url http://127.0.0.1:8080/health`",
        )
    };
    let Some((scheme, rest)) = url.split_once("://") else {
        return Err(refuse("a URL begins with http:// or https://"));
    };
    let authority_end = rest.find(['/', '?']).unwrap_or(rest.len());
    let target = format!("{scheme}://{}", &rest[..authority_end]);
    target
        .parse::<Uri>()
        .map_err(|error| refuse(&error.to_string()))?;
    let path = match &rest[authority_end..] {
        "" => "/".to_owned(),
        query if query.starts_with('?') => format!("/{query}"),
        path => path.to_owned(),
    };
    Ok((target, path))
}

fn file_json(step: &OneStep, target: &str, path: &str) -> Value {
    let (load, connections) = load_json(&step.load);
    let style = if step.traced { "rum" } else { "off" };
    json!({
        "name": "one-step",
        "about": format!("{} {}", step.method, step.url),
        "target": target,
        "load": load,
        "http": { "connections": { "shared": connections } },
        "browser": { "style": style },
        "journeys": [{ "name": "request", "steps": [request_json(step, path)] }],
    })
}

fn request_json(step: &OneStep, path: &str) -> Value {
    let mut request = serde_json::Map::new();
    request.insert(step.method.to_ascii_lowercase(), path.into());
    let is_content_type = |name: &str| name.eq_ignore_ascii_case("content-type");
    let others = step
        .headers
        .iter()
        .filter(|(name, _)| step.body.is_none() || !is_content_type(name));
    let headers: serde_json::Map<String, Value> = others
        .map(|(name, value)| (name.clone(), value.as_str().into()))
        .collect();
    if !headers.is_empty() {
        request.insert("headers".to_owned(), headers.into());
    }
    if let Some(body) = &step.body {
        let given = step.headers.iter().find(|(name, _)| is_content_type(name));
        let json = body.trim_start().starts_with(['{', '[']);
        let usual = if json {
            "application/json"
        } else {
            "text/plain; charset=utf-8"
        };
        let content_type = given.map_or(usual, |(_, value)| value.as_str());
        request.insert("body".to_owned(), body.as_str().into());
        request.insert("content-type".to_owned(), content_type.into());
    }
    if let Some(timeout) = step.timeout {
        request.insert("timeout".to_owned(), seconds(timeout).into());
    }
    request.into()
}

fn load_json(load: &OneStepLoad) -> (Value, u32) {
    match load {
        OneStepLoad::Open {
            rate,
            duration,
            even,
        } => {
            let spacing = if *even { "even" } else { "poisson" };
            let phase =
                json!({ "name": "load", "for": seconds(*duration), "rate": format!("{rate}/s") });
            (
                json!({ "model": "open", "spacing": spacing, "phases": [phase] }),
                CONNECTIONS_OPEN,
            )
        }
        OneStepLoad::Closed {
            connections,
            duration,
            requests,
        } => {
            let mut load = serde_json::Map::new();
            load.insert("model".to_owned(), "closed".into());
            load.insert("shoppers".to_owned(), (*connections).into());
            if let Some(duration) = duration {
                load.insert("for".to_owned(), seconds(*duration).into());
            }
            if let Some(requests) = requests {
                load.insert("journeys".to_owned(), (*requests).into());
            }
            (load.into(), *connections)
=======
//! A scenario without a file: one request, built from flags.

use std::time::Duration;

use url::{Position, Url};

use super::{
    Body, Browser, Connections, Curve, FigureId, FigureName, Http, Journey, Limits, Load, Persona,
    Phase, Propagator, Scenario, Source, Spacing, Step, StepId, TraceStyle, Until,
};
use crate::journey::{Op, Program};
use crate::template::Template;

/// Length of a run whose flags name none.
const DURATION: Duration = Duration::from_secs(30);

/// Connections of an open load; only as many are opened as are needed at the same time.
const CONNECTIONS: u32 = 10_000;

/// What the flags of `loadgen run --url` say.
#[derive(Debug, Clone, Default)]
pub struct OneStep {
    /// The whole URL.
    pub url: String,
    /// HTTP method; `None` means GET, or POST with a body.
    pub method: Option<String>,
    /// Headers as `name: value`.
    pub headers: Vec<String>,
    /// The body as it is sent.
    pub body: Option<String>,
    /// Arrivals a second: an open load.
    pub rate: Option<f64>,
    /// Connections in a loop: a closed load.
    pub connections: Option<u32>,
    /// How long; 30 s if not said.
    pub duration: Option<Duration>,
    /// Time limit of one request.
    pub timeout: Option<Duration>,
}

impl OneStep {
    /// The scenario that the flags describe.
    ///
    /// # Errors
    /// Every mistake, each naming its flag and the remedy.
    pub fn scenario(&self) -> Result<Scenario, Vec<String>> {
        let mut problems = Vec::new();
        let url = self
            .checked_url()
            .map_err(|problem| problems.push(problem))
            .ok();
        let method = self
            .checked_method()
            .map_err(|problem| problems.push(problem))
            .ok();
        let headers = self.checked_headers(&mut problems);
        let load = self
            .checked_load()
            .map_err(|problem| problems.push(problem))
            .ok();
        match (url, method, load) {
            (Some(url), Some(method), Some(load)) if problems.is_empty() => {
                Ok(self.build(&url, method, headers, load))
            }
            _ => Err(problems),
        }
    }

    fn checked_url(&self) -> Result<Url, String> {
        let url = Url::parse(&self.url).map_err(|e| {
            format!(
                "--url {}: {e}; give a whole URL such as http://127.0.0.1:8080/",
                self.url
            )
        })?;
        match url.scheme() {
            "http" | "https" if url.host().is_some() => Ok(url),
            other => Err(format!(
                "--url {}: the scheme '{other}' is not http or https",
                self.url
            )),
        }
    }

    fn checked_method(&self) -> Result<http::Method, String> {
        let method = match (&self.method, &self.body) {
            (Some(method), _) => method.to_ascii_uppercase(),
            (None, Some(_)) => "POST".to_owned(),
            (None, None) => "GET".to_owned(),
        };
        http::Method::from_bytes(method.as_bytes())
            .map_err(|_| format!("--method {method}: not an HTTP method; use GET, POST, PUT, …"))
    }

    fn checked_headers(&self, problems: &mut Vec<String>) -> Vec<(String, Template)> {
        let mut headers = Vec::new();
        for text in &self.headers {
            match header(text) {
                Ok(header) => headers.push(header),
                Err(problem) => problems.push(problem),
            }
        }
        headers
    }

    fn checked_load(&self) -> Result<Load, String> {
        let duration = self.duration.unwrap_or(DURATION);
        match (self.rate, self.connections) {
            (Some(rate), None) => Ok(Load::Open {
                phases: vec![Phase {
                    name: "run".to_owned(),
                    duration,
                    curve: Curve::Constant(rate),
                }],
                spacing: Spacing::Even,
            }),
            (None, Some(0)) => Err("--connections 0: at least 1 is needed".to_owned()),
            (None, Some(shoppers)) => Ok(Load::Closed {
                shoppers,
                until: Until {
                    elapsed: Some(duration),
                    journeys: None,
                },
            }),
            (Some(_), Some(_)) => Err(
                "--rate and --connections: a load is either open (--rate) or closed \
                                       (--connections); give one of them"
                    .to_owned(),
            ),
            (None, None) => Err(
                "--url needs a load: --rate 500/s for an open one, or --connections 32 for a \
                                 closed one"
                    .to_owned(),
            ),
        }
    }

    fn build(
        &self,
        url: &Url,
        method: http::Method,
        headers: Vec<(String, Template)>,
        load: Load,
    ) -> Scenario {
        let typed = headers.iter().any(|(name, _)| name == "content-type");
        let content_type = if typed {
            None
        } else {
            self.body.as_deref().map(content_type)
        };
        let mut headers = headers;
        headers
            .extend(content_type.map(|value| ("content-type".to_owned(), Template::text(value))));
        let path = &url[Position::BeforePath..Position::AfterQuery];
        let step = Step {
            figure: FigureId(0),
            url: Template::text(path),
            body: self.body.as_ref().map(|body| Body {
                content_type: header_value(&headers, "content-type"),
                template: Template::text(body),
            }),
            headers,
            timeout: None,
            extract: Vec::new(),
            checks: Vec::new(),
            outcomes: Vec::new(),
            counts: Vec::new(),
            promise: None,
            go_on_after_error: true,
            method: method.clone(),
        };
        let name = format!("{method} {}", url.path());
        Scenario {
            name: "url".to_owned(),
            about: format!("{method} {url}"),
            source: Source {
                origin: "command line".to_owned(),
                hash: String::new(),
            },
            seed: 1,
            target: Some(url[..Position::BeforePath].to_owned()),
            load,
            ..blank(step, name, self.timeout)
>>>>>>> 0490ec9 (Run scenarios from the command line)
        }
    }
}

<<<<<<< HEAD
fn seconds(duration: Duration) -> String {
    format!("{}s", duration.as_secs_f64())
=======
/// Everything that the flags do not speak of.
fn blank(step: Step, name: String, timeout: Option<Duration>) -> Scenario {
    Scenario {
        name: String::new(),
        about: String::new(),
        source: Source::default(),
        seed: 1,
        target: None,
        load: Load::Open {
            phases: Vec::new(),
            spacing: Spacing::Even,
        },
        warm_up: Duration::ZERO,
        browser: Browser {
            propagators: vec![Propagator::TraceContext, Propagator::Datadog],
            style: TraceStyle::Rum,
            session_sample: 1.0,
            trace_sample: 1.0,
            inject_all: false,
            baggage: true,
            preflight: false,
        },
        http: Http {
            timeout: timeout.unwrap_or(Duration::from_secs(10)),
            connections: Connections::Shared { max: CONNECTIONS },
            body_bytes_max: 16 << 20,
            redirects_max: 10,
            headers: Vec::new(),
        },
        personas: vec![visitor()],
        journeys: vec![Journey {
            name: "request".to_owned(),
            program: Program {
                ops: vec![Op::Send(StepId(0))],
                counters: 0,
            },
            funnel: vec![FigureId(0)],
        }],
        steps: vec![step],
        figures: vec![FigureName {
            name,
            service: String::new(),
            tags: Vec::new(),
        }],
        counters: Vec::new(),
        variables: Vec::new(),
        feeders: Vec::new(),
        popularity: Vec::new(),
        thresholds: Vec::new(),
        limits: Limits {
            shoppers_max: 100_000,
            connections_max: CONNECTIONS,
            drain: Duration::from_secs(30),
            start_lag_max: Duration::from_millis(5),
        },
        prepare: Vec::new(),
    }
}

fn visitor() -> Persona {
    let one = |name: &str| vec![(name.to_owned(), 1.0)];
    Persona {
        name: "visitor".to_owned(),
        weight: 1.0,
        journeys: vec![1.0],
        returning: 0.0,
        devices: one("desktop"),
        browsers: one("chrome"),
        countries: one("US"),
        basket: (1, 1),
        declined_cards: 0.0,
        pace: 1.0,
        set: Vec::new(),
    }
}

fn header(text: &str) -> Result<(String, Template), String> {
    let (name, value) = text
        .split_once(':')
        .ok_or_else(|| format!("--header '{text}': write it as 'name: value'"))?;
    let name = name.trim().to_ascii_lowercase();
    let value = value.trim();
    http::HeaderName::try_from(name.as_str())
        .map_err(|_| format!("--header '{text}': '{name}' is no header name"))?;
    http::HeaderValue::from_str(value).map_err(|_| {
        format!("--header '{name}': the value has characters that no header may have")
    })?;
    Ok((name, Template::text(value)))
}

fn header_value(headers: &[(String, Template)], name: &str) -> String {
    let found = headers.iter().find(|(known, _)| known == name);
    let text = found.and_then(|(_, value)| match value.parts.as_slice() {
        [crate::template::Part::Text(text)] => Some(text.to_string()),
        _ => None,
    });
    text.unwrap_or_else(|| "application/octet-stream".to_owned())
}

fn content_type(body: &str) -> &'static str {
    match serde_json::from_str::<serde::de::IgnoredAny>(body) {
        Ok(_) => "application/json",
        Err(_) => "text/plain;charset=UTF-8",
    }
>>>>>>> 0490ec9 (Run scenarios from the command line)
}
