//! Where spans go in OTLP.

use std::fmt;
use std::time::Duration;

use http::{HeaderName, HeaderValue, Uri};

use super::input::{Given, Input, is_true, pairs};

/// Where and how spans are sent in OTLP.
#[derive(Clone, PartialEq)]
pub struct OtlpSettings {
    /// The whole address, with the path of traces.
    pub endpoint: Uri,
    /// Headers of every request; their values are marked as secret.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Longest that a request may take, at most ten seconds.
    pub timeout: Duration,
    /// Whether requests are compressed with gzip.
    pub gzip: bool,
    /// PEM certificates that are trusted besides the usual ones.
    pub certificate: Option<Vec<u8>>,
}

impl fmt::Debug for OtlpSettings {
    /// Without the headers: they hold keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OtlpSettings")
            .field("endpoint", &self.endpoint)
            .finish_non_exhaustive()
    }
}

const TRACES_PATH: &str = "/v1/traces";
const DEFAULT: &str = "http://localhost:4318/v1/traces";
const TIMEOUT_MAX: Duration = Duration::from_secs(10);
/// Half of what OpenTelemetry says: one that hangs and comes back shall be noticed within ten seconds.
const TIMEOUT_DEFAULT: Duration = Duration::from_secs(5);

pub(super) fn parse(input: &mut Input<'_>) -> Option<OtlpSettings> {
    let wanted = wanted(input);
    check_protocol(input);
    let endpoint = endpoint(input);
    let headers = of_traces(
        input,
        "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
        "OTEL_EXPORTER_OTLP_HEADERS",
    );
    let headers = input.parsed(headers, |text| {
        pairs(text)?.into_iter().map(header).collect()
    });
    let timeout = of_traces(
        input,
        "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT",
        "OTEL_EXPORTER_OTLP_TIMEOUT",
    );
    let timeout = input.parsed(timeout, milliseconds);
    let gzip = of_traces(
        input,
        "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION",
        "OTEL_EXPORTER_OTLP_COMPRESSION",
    );
    let gzip = input.parsed(gzip, |text| match text {
        "gzip" => Ok(true),
        "none" => Ok(false),
        other => Err(format!("`{other}` is not supported; use `gzip` or `none`")),
    });
    let certificate = of_traces(
        input,
        "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE",
        "OTEL_EXPORTER_OTLP_CERTIFICATE",
    );
    let certificate = input.read(certificate);
    let default = || (wanted == Wanted::Asked).then(|| Uri::from_static(DEFAULT));
    let endpoint = endpoint.or_else(default)?;
    (wanted != Wanted::No).then(|| OtlpSettings {
        endpoint,
        headers: headers.unwrap_or_default(),
        timeout: timeout.unwrap_or(TIMEOUT_DEFAULT),
        gzip: gzip.unwrap_or(false),
        certificate,
    })
}

/// Whether spans are wanted in OTLP.
#[derive(PartialEq)]
enum Wanted {
    No,
    /// Where an endpoint is set.
    IfSomewhere,
    /// At the standard's default endpoint if none is set.
    Asked,
}

fn wanted(input: &mut Input<'_>) -> Wanted {
    let metrics = input.get("OTEL_METRICS_EXPORTER");
    input.parsed(metrics, |text| match text {
        "none" | "prometheus" => Ok(()),
        other => Err(format!(
            "`{other}` is not supported: metrics are scraped at /metrics (`prometheus`) and leave by DogStatsD \
             (DD_DOGSTATSD_URL); use `none` or `prometheus`"
        )),
    });
    let traces = input.get("OTEL_TRACES_EXPORTER");
    let traces = input.parsed(traces, |text| match text {
        "none" => Ok(Wanted::No),
        "otlp" => Ok(Wanted::Asked),
        other => Err(format!("`{other}` is not supported; use `otlp` or `none`")),
    });
    match is_true(input.get("OTEL_SDK_DISABLED").as_ref()) {
        true => Wanted::No,
        false => traces.unwrap_or(Wanted::IfSomewhere),
    }
}

/// What is said for traces wins over what is said for everything.
fn of_traces(input: &Input<'_>, traces: &'static str, all: &'static str) -> Option<Given> {
    input.first(&[traces, all])
}

fn check_protocol(input: &mut Input<'_>) {
    let given = of_traces(
        input,
        "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
        "OTEL_EXPORTER_OTLP_PROTOCOL",
    );
    input.parsed(given, |text| match text {
        "http/protobuf" => Ok(()),
        "grpc" => Err(
            "spans leave over HTTP alone so far; use `http/protobuf`, and the receiver's port for it, as a rule 4318"
                .to_owned(),
        ),
        other => Err(format!("`{other}` is not supported; use `http/protobuf`")),
    });
}

fn endpoint(input: &mut Input<'_>) -> Option<Uri> {
    if let Some(whole) = input.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") {
        return input.parsed(Some(whole), url);
    }
    let base = input.get("OTEL_EXPORTER_OTLP_ENDPOINT");
    input.parsed(base, |text| {
        url(text)?;
        url(&format!("{}{TRACES_PATH}", text.trim_end_matches('/')))
    })
}

fn url(text: &str) -> Result<Uri, String> {
    let hint = "it must be a URL such as http://localhost:4318";
    let uri: Uri = text.parse().map_err(|_| hint)?;
    let usable = matches!(uri.scheme_str(), Some("http" | "https"))
        && uri.host().is_some_and(|host| !host.is_empty())
        && uri.query().is_none();
    match (usable, uri.authority()) {
        (true, Some(authority)) if authority.as_str().contains('@') => {
            Err("it must not hold a user name or password; use headers".to_owned())
        }
        (true, _) => Ok(uri),
        (false, _) => Err(hint.to_owned()),
    }
}

fn header((name, value): (String, String)) -> Result<(HeaderName, HeaderValue), String> {
    let name: HeaderName = name
        .parse()
        .map_err(|_| format!("`{name}` is no name of a header"))?;
    let mut value: HeaderValue = value
        .parse()
        .map_err(|_| format!("the value of `{name}` cannot be sent in a header"))?;
    value.set_sensitive(true);
    Ok((name, value))
}

fn milliseconds(text: &str) -> Result<Duration, String> {
    match text.parse() {
        Ok(ms @ 1..) => Ok(Duration::from_millis(ms).min(TIMEOUT_MAX)),
        _ => Err(format!(
            "`{text}` is no time limit; write milliseconds, such as 10000"
        )),
    }
}
