//! What variables and flags mean, and what is said about wrong ones.

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use super::*;

fn parse(variables: &[(&str, &str)]) -> Result<Settings, Problems> {
    with_flags(variables, &[])
}

fn with_flags(
    variables: &[(&str, &str)],
    flags: &[(&'static str, &'static str, String)],
) -> Result<Settings, Problems> {
    let variables: BTreeMap<&str, &str> = variables.iter().copied().collect();
    Settings::parse(&Environment {
        variable: &|name| variables.get(name).map(|value| (*value).to_owned()),
        flags,
        read: &|_| Err(io::Error::from(io::ErrorKind::NotFound)),
    })
}

fn endpoint(variables: &[(&str, &str)]) -> Option<String> {
    let otlp = parse(variables).unwrap().otlp;
    otlp.map(|otlp| otlp.endpoint.to_string())
}

fn dogstatsd(variables: &[(&str, &str)]) -> Option<DogstatsdAddress> {
    parse(variables).unwrap().dogstatsd.map(|one| one.address)
}

#[test]
fn nothing_set_sends_nothing() {
    assert_eq!(parse(&[]), Ok(Settings::default()));
    let empty = [("OTEL_EXPORTER_OTLP_ENDPOINT", " "), ("DD_AGENT_HOST", "")];
    assert_eq!(parse(&empty), Ok(Settings::default()));
}

#[test]
fn the_path_is_added_to_the_common_endpoint_alone() {
    let all = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318/otlp/");
    let traces = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "https://t/in");
    let is = |of: &[_], url: &str| assert_eq!(endpoint(of).as_deref(), Some(url));
    is(&[all], "http://c:4318/otlp/v1/traces");
    is(&[all, traces], "https://t/in");
    is(
        &[("OTEL_TRACES_EXPORTER", "otlp")],
        "http://localhost:4318/v1/traces",
    );
    assert_eq!(endpoint(&[all, ("OTEL_TRACES_EXPORTER", "none")]), None);
    assert_eq!(endpoint(&[all, ("OTEL_SDK_DISABLED", "TRUE")]), None);
}

#[test]
fn what_is_said_for_traces_wins_and_headers_are_never_shown() {
    let settings = parse(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "a=1"),
        (
            "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
            "api-key=hun%20ter2, x = y",
        ),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "1500"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
    ])
    .unwrap();
    let otlp = settings.otlp.clone().unwrap();
    let headers: Vec<_> = otlp
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.to_str().unwrap()))
        .collect();
    assert_eq!(headers, [("api-key", "hun ter2"), ("x", "y")]);
    assert_eq!(
        (otlp.timeout, otlp.gzip),
        (Duration::from_millis(1_500), true)
    );
    assert!(!format!("{settings:?}").contains("hun"));
}

#[test]
fn dogstatsd_has_several_addresses() {
    let udp = |host: &str, port| {
        let host = host.to_owned();
        Some(DogstatsdAddress::Udp { host, port })
    };
    let url = |url: &str| dogstatsd(&[("DD_DOGSTATSD_URL", url), ("DD_AGENT_HOST", "elsewhere")]);
    assert_eq!(url("udp://agent:9000"), udp("agent", 9000));
    assert_eq!(url("udp://[::1]:9000"), udp("::1", 9000));
    assert_eq!(url("udp://agent"), udp("agent", 8125));
    for scheme in ["unix", "unixgram"] {
        let socket = Some(DogstatsdAddress::Unix("/run/dsd.socket".into()));
        assert_eq!(url(&format!("{scheme}:///run/dsd.socket")), socket);
    }
    let host = ("DD_AGENT_HOST", "agent");
    assert_eq!(dogstatsd(&[host]), udp("agent", 8125));
    assert_eq!(
        dogstatsd(&[host, ("DD_DOGSTATSD_PORT", "9")]),
        udp("agent", 9)
    );
    assert_eq!(
        dogstatsd(&[("DD_DOGSTATSD_PORT", "9")]),
        udp("127.0.0.1", 9)
    );
}

#[test]
fn the_resource_is_said_in_either_language_and_services_keep_their_names() {
    let attributes = "service.name=web,deployment.environment=old,service.version=7,team=a%2Cb";
    let otel = ("OTEL_RESOURCE_ATTRIBUTES", attributes);
    let resource = parse(&[otel]).unwrap().resource;
    assert_eq!(
        (resource.env.as_deref(), resource.version.as_deref()),
        (Some("old"), Some("7"))
    );
    let kept: Vec<_> = resource
        .attributes
        .iter()
        .map(|(k, v)| (k.as_str(), v.as_str()))
        .collect();
    assert_eq!(kept, [("team", "a,b"), ("service.namespace", "web")]);
    let datadog = [
        otel,
        ("DD_ENV", "dd"),
        ("DD_VERSION", "8"),
        ("DD_TAGS", "a:b,c:d e:f"),
    ];
    let resource = parse(&datadog).unwrap().resource;
    assert_eq!(
        (resource.env.as_deref(), resource.version.as_deref()),
        (Some("dd"), Some("8"))
    );
    assert_eq!(resource.tags, ["a:b", "c:d", "e:f"]);
}

#[test]
fn samplers_have_their_standard_names() {
    let sampler = |variables: &[_]| parse(variables).unwrap().sampler;
    let share = ("OTEL_TRACES_SAMPLER_ARG", "0.25");
    for (name, is) in [
        ("always_on", Sampler::ratio(1.0)),
        ("always_off", Sampler::ratio(0.0)),
        ("traceidratio", Sampler::ratio(0.25)),
        ("parentbased_always_on", Sampler::default()),
        ("parentbased_always_off", Sampler::parent_or_ratio(0.0)),
        ("parentbased_traceidratio", Sampler::parent_or_ratio(0.25)),
    ] {
        assert_eq!(
            sampler(&[("OTEL_TRACES_SAMPLER", name), share]),
            is,
            "{name}"
        );
    }
    let rate = ("DD_TRACE_SAMPLE_RATE", "0.5");
    assert_eq!(sampler(&[rate]), Sampler::parent_or_ratio(0.5));
    assert_eq!(
        sampler(&[rate, ("OTEL_TRACES_SAMPLER", "always_on")]),
        Sampler::ratio(1.0)
    );
}

#[test]
fn every_problem_is_told_at_once_by_its_name() {
    let flags = [(
        "DD_DOGSTATSD_URL",
        "--dogstatsd-url",
        "http://agent:8125".to_owned(),
    )];
    let wrong = with_flags(
        &[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "hunter2"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "10s"),
            ("OTEL_EXPORTER_OTLP_COMPRESSION", "zstd"),
            ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/no/such.pem"),
            ("OTEL_TRACES_EXPORTER", "zipkin"),
            ("OTEL_METRICS_EXPORTER", "otlp"),
            ("OTEL_TRACES_SAMPLER", "sometimes"),
            ("OTEL_RESOURCE_ATTRIBUTES", "team"),
            ("DD_DOGSTATSD_PORT", "0"),
            ("DD_DOGSTATSD_URL", "udp://never-looked-at"),
        ],
        &flags,
    );
    let problems = wrong.unwrap_err();
    let mut names: Vec<&str> = problems.0.iter().map(|problem| problem.name).collect();
    names.sort_unstable();
    let expected = [
        "--dogstatsd-url",
        "DD_DOGSTATSD_PORT",
        "OTEL_EXPORTER_OTLP_CERTIFICATE",
        "OTEL_EXPORTER_OTLP_COMPRESSION",
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "OTEL_EXPORTER_OTLP_HEADERS",
        "OTEL_EXPORTER_OTLP_PROTOCOL",
        "OTEL_EXPORTER_OTLP_TIMEOUT",
        "OTEL_METRICS_EXPORTER",
        "OTEL_RESOURCE_ATTRIBUTES",
        "OTEL_TRACES_EXPORTER",
        "OTEL_TRACES_SAMPLER",
    ];
    assert_eq!(names, expected);
    assert!(!problems.to_string().contains("hunter2"), "{problems}");
}
