//! A scenario of one request, made from flags: `loadgen run --url …`.
//!
//! The flags become the text of a scenario file, so that they mean and allow exactly what a file does.

use std::time::Duration;

use checked_yaml::Problems;
use http::Uri;
use serde_json::{Value, json};

use super::find::ScenarioRef;
use super::load::{hidden, load_text};
use super::{Changes, Credentials, Scenario};
use crate::redact::Shown;

/// Connections that an open load of one request shares: enough for a target that answers nothing for a while. Only those
/// that are needed at one time are opened.
const CONNECTIONS_OPEN: u32 = 10_000;
/// What messages and records call it.
const ORIGIN: &str = "command line";

/// One request, and how often.
#[derive(Debug, Clone)]
pub struct OneStep {
    /// Absolute URL; `${…}` inserts values as in a file.
    pub url: String,
    /// The HTTP method.
    pub method: String,
    /// Names and values; a name may stand there several times.
    pub headers: Vec<(String, String)>,
    /// The body, or `@` and the name of a file; its content type is that of the headers, else JSON or text by its first character
    /// or the file's name.
    pub body: Option<String>,
    /// How often.
    pub load: OneStepLoad,
    /// Longest wait for a response.
    pub timeout: Option<Duration>,
    /// Whether requests carry the trace headers of a browser under RUM, and call themselves one.
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
    /// Makes a scenario of one request; `secrets` are names whose values are never shown.
    ///
    /// # Errors
    /// Everything that is wrong with the request.
    pub fn one_step(step: &OneStep, secrets: &[String]) -> Result<Self, Problems> {
        let (url, credentials) = Credentials::taken_from(&step.url);
        let (target, path) = split(&url).map_err(|problems| hidden(problems, secrets))?;
        let file = file_json(step, &url, &target, &path);
        // JSON is YAML: the text is checked like any file.
        let text = format!("{file:#}\n");
        let origin = ScenarioRef::Path(ORIGIN.into());
        let changes = Changes {
            secrets: secrets.to_vec(),
            ..Changes::default()
        };
        let mut scenario = load_text(&origin, &text, &changes)?;
        if let Some(credentials) = credentials {
            scenario.authorize(&credentials);
        }
        Ok(scenario)
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

/// The scenario as a file would have it; `url` without credentials, which stand in no file.
fn file_json(step: &OneStep, url: &str, target: &str, path: &str) -> Value {
    let (load, connections) = load_json(&step.load);
    let http = json!({ "connections": { "shared": connections } });
    let style = if step.traced { "rum" } else { "off" };
    json!({
        "name": "one-step",
        "about": format!("{} {}", step.method, Shown::from(url)),
        "target": target,
        "load": load,
        "http": http,
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
    let mut headers = serde_json::Map::new();
    for (name, value) in others {
        // A header that is given several times is sent several times.
        let values = headers.entry(name.to_ascii_lowercase());
        let values = values.or_insert_with(|| Value::Array(Vec::new()));
        if let Value::Array(values) = values {
            values.push(value.as_str().into());
        }
    }
    for values in headers.values_mut() {
        if let Value::Array(one) = values
            && one.len() == 1
        {
            *values = one.remove(0);
        }
    }
    if !headers.is_empty() {
        request.insert("headers".to_owned(), headers.into());
    }
    if let Some(body) = &step.body {
        let given = step.headers.iter().find(|(name, _)| is_content_type(name));
        let json = match body.strip_prefix('@') {
            Some(file) => file.ends_with(".json"),
            None => body.trim_start().starts_with(['{', '[']),
        };
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
        }
    }
}

fn seconds(duration: Duration) -> String {
    format!("{}s", duration.as_secs_f64())
}
