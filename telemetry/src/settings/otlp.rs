//! Where spans go in OTLP.

use std::fmt;
use std::time::Duration;

use http::{HeaderName, HeaderValue, Uri};

use super::input::{Given, Input, is_true, pairs};
use crate::exporter::EXPORT_MAX;

/// Where and how spans are sent in OTLP.
#[derive(Clone, PartialEq)]
pub struct OtlpSettings {
    /// The whole address: over HTTP with the path of traces, over gRPC without a path.
    pub endpoint: Uri,
    /// How they are sent.
    pub protocol: OtlpProtocol,
    /// Headers of every request; their values are marked as secret.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Longest that a request may take, at most [`EXPORT_MAX`].
    pub timeout: Duration,
    /// Whether requests are compressed with gzip.
    pub gzip: bool,
    /// PEM certificates that are trusted besides the usual ones.
    pub certificate: Option<Vec<u8>>,
}

/// How OTLP travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OtlpProtocol {
    /// Protobuf messages over HTTP/1.1.
    HttpProtobuf,
    /// gRPC; only builds with the feature `grpc` speak it.
    Grpc,
}

impl fmt::Debug for OtlpSettings {
    /// Without the headers: they hold keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OtlpSettings")
            .field("endpoint", &self.endpoint)
            .field("protocol", &self.protocol)
            .finish_non_exhaustive()
    }
}

const TRACES_PATH: &str = "/v1/traces";

pub(super) fn parse(input: &mut Input<'_>) -> Option<OtlpSettings> {
    let wanted = wanted(input);
    let protocol = protocol(input);
    let endpoint = endpoint(input, protocol);
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
    let default = || (wanted == Wanted::Asked).then(|| default_endpoint(protocol));
    let endpoint = endpoint.or_else(default)?;
    (wanted != Wanted::No).then(|| OtlpSettings {
        endpoint,
        protocol,
        headers: headers.unwrap_or_default(),
        timeout: timeout.unwrap_or(EXPORT_MAX),
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

fn protocol(input: &mut Input<'_>) -> OtlpProtocol {
    let given = of_traces(
        input,
        "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
        "OTEL_EXPORTER_OTLP_PROTOCOL",
    );
    let protocol = input.parsed(given, |text| match text {
        "http/protobuf" => Ok(OtlpProtocol::HttpProtobuf),
        "grpc" if cfg!(feature = "grpc") => Ok(OtlpProtocol::Grpc),
        "grpc" => Err(
            "this build speaks `http/protobuf` alone (port 4318 as a rule); build with `--features full` for `grpc`"
                .to_owned(),
        ),
        other => Err(format!("`{other}` is not supported; use `http/protobuf` or `grpc`")),
    });
    protocol.unwrap_or(OtlpProtocol::HttpProtobuf)
}

fn endpoint(input: &mut Input<'_>, protocol: OtlpProtocol) -> Option<Uri> {
    if let Some(whole) = input.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") {
        return input.parsed(Some(whole), |text| url(text));
    }
    let base = input.get("OTEL_EXPORTER_OTLP_ENDPOINT");
    input.parsed(base, |text| match protocol {
        OtlpProtocol::Grpc => url(text),
        OtlpProtocol::HttpProtobuf => {
            url(text)?;
            url(&format!("{}{TRACES_PATH}", text.trim_end_matches('/')))
        }
    })
}

fn default_endpoint(protocol: OtlpProtocol) -> Uri {
    match protocol {
        OtlpProtocol::Grpc => Uri::from_static("http://localhost:4317"),
        OtlpProtocol::HttpProtobuf => Uri::from_static("http://localhost:4318/v1/traces"),
    }
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
        Ok(ms @ 1..) => Ok(Duration::from_millis(ms).min(EXPORT_MAX)),
        _ => Err(format!(
            "`{text}` is no time limit; write milliseconds, such as 10000"
        )),
    }
}
