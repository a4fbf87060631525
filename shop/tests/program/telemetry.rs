//! Where the program sends what it observes: real receivers, good and bad ones.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use prost::Message as _;
use telemetry::catalogue::{Kind, Metric};

use super::{PATIENCE, Running, shop, wait_for_file};

/// A shop that sends somewhere, and the address of its gateway.
fn start(folder: &Path, variables: &[(&str, &str)]) -> (Running, String) {
    let ready = folder.join("ready.json");
    let flags = ["--free-ports", "--lifeline", "--products", "50"];
    let mut command = shop(folder, &flags);
    command.arg("--ready-file").arg(&ready);
    command.envs(variables.iter().copied());
    let running = Running::start(&mut command);
    let told = wait_for_file(&ready);
    let url = told["services"]["gateway"].as_str().unwrap();
    (running, url.strip_prefix("http://").unwrap().to_owned())
}

/// The answer to a request whose caller keeps its trace.
fn get(gateway: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(gateway).unwrap();
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nhost: shop\r\ntraceparent: {trace}\r\nconnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// Asks for products again and again until `done`, or fails.
fn browse_until(gateway: &str, what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < PATIENCE, "not in time: {what}");
        let answer = get(gateway, "/api/products?limit=2");
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn drops(gateway: &str, exporter: &str, reason: &str) -> f64 {
    let page = get(gateway, "/metrics");
    let line = page.lines().find(|line| {
        line.starts_with("telemetry_exports_dropped_total{")
            && line.contains(&format!("exporter=\"{exporter}\""))
            && line.contains(&format!("reason=\"{reason}\""))
    });
    line.and_then(|line| line.rsplit(' ').next()?.parse().ok())
        .unwrap_or(0.0)
}

/// The metric of a line of DogStatsD, which must be one that this program may send.
fn metric_of(line: &str) -> Metric {
    let mut parts = line.split('|');
    let mut head = parts.next().unwrap().split(':');
    let name = head.next().unwrap();
    let metric = Metric::by_name(name).unwrap_or_else(|| panic!("not in the catalogue: {line}"));
    let values: Vec<f64> = head.map(|value| value.parse().unwrap()).collect();
    assert!(
        !values.is_empty() && values.iter().all(|value| value.is_finite()),
        "{line}"
    );
    let kind = match metric.definition().kind {
        Kind::Counter => "c",
        Kind::Gauge => "g",
        Kind::Histogram | Kind::Distribution => "d",
    };
    assert_eq!(parts.next(), Some(kind), "{line}");
    let mut tags = parts.next().expect("tags");
    if let Some(rate) = tags.strip_prefix('@') {
        let rate: f64 = rate.parse().unwrap();
        assert!(kind == "d" && rate > 0.0 && rate < 1.0, "{line}");
        tags = parts.next().expect("tags");
    }
    assert_eq!(parts.next(), None, "{line}");
    let tags: Vec<(&str, &str)> = tags
        .strip_prefix('#')
        .expect("tags")
        .split(',')
        .map(|tag| tag.split_once(':').expect("a tag has a value"))
        .collect();
    for (name, value) in &tags {
        assert!(
            !value.is_empty() && !value.contains(char::is_whitespace),
            "{line}"
        );
        assert!(
            *name == "team" || metric.definition().has_tag(name),
            "{line}"
        );
    }
    let has = |tag| tags.contains(&tag);
    assert!(
        has(("env", "test")) && has(("version", "9.9")) && has(("team", "shop")),
        "{line}"
    );
    metric
}

#[test]
fn every_line_of_dogstatsd_is_well_formed_and_a_socket_may_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("dsd.socket");
    let url = format!("unix://{}", path.display());
    let variables = [
        ("DD_DOGSTATSD_URL", url.as_str()),
        ("DD_ENV", "test"),
        ("DD_VERSION", "9.9"),
        ("DD_TAGS", "team:shop"),
    ];
    let (running, gateway) = start(folder.path(), &variables);
    browse_until(&gateway, "drops without a socket", || {
        drops(&gateway, "dogstatsd", "no_socket") > 0.0
    });
    let receiver = UnixDatagram::bind(&path).unwrap();
    receiver
        .set_read_timeout(Some(Duration::from_millis(10)))
        .unwrap();
    let mut seen = BTreeSet::new();
    let mut buffer = vec![0; 65_536];
    let mut receive = |seen: &mut BTreeSet<Metric>| {
        while let Ok(length) = receiver.recv(&mut buffer) {
            assert!(length <= 8192);
            let text = std::str::from_utf8(&buffer[..length]).unwrap();
            seen.extend(text.lines().map(metric_of));
        }
    };
    let wanted = [
        Metric::HttpRequests,
        Metric::HttpRequestDuration,
        Metric::ProcessCpuSeconds,
        Metric::ProcessResidentMemory,
        Metric::ExportsDropped,
    ];
    browse_until(&gateway, "metrics", || {
        receive(&mut seen);
        wanted.iter().all(|metric| seen.contains(metric))
    });
    assert!(running.finish().status.success());
    receive(&mut seen);
}

#[test]
fn dogstatsd_over_udp_keeps_to_small_datagrams() {
    let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
    receiver.set_read_timeout(Some(PATIENCE)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let port = receiver.local_addr().unwrap().port().to_string();
    let variables = [
        ("DD_AGENT_HOST", "localhost"),
        ("DD_DOGSTATSD_PORT", port.as_str()),
        ("DD_VERSION", "9.9"),
        (
            "OTEL_RESOURCE_ATTRIBUTES",
            "deployment.environment.name=test",
        ),
        ("DD_TAGS", "team:shop"),
    ];
    let (running, gateway) = start(folder.path(), &variables);
    get(&gateway, "/api/products?limit=2");
    let mut buffer = vec![0; 65_536];
    for _ in 0..3 {
        let length = receiver.recv(&mut buffer).expect("a datagram");
        assert!(length <= 1432, "{length}");
        let text = std::str::from_utf8(&buffer[..length]).unwrap();
        text.lines().map(metric_of).for_each(drop);
    }
    assert!(running.finish().status.success());
}

/// How a receiver treats requests.
#[derive(Clone, Copy, PartialEq)]
enum Mood {
    Takes,
    Answers(&'static str),
    HangsUp,
    Hangs,
}

/// A receiver of OTLP whose mood may change.
struct Collector {
    address: String,
    mood: Arc<Mutex<Mood>>,
    taken: Arc<Mutex<Vec<ExportTraceServiceRequest>>>,
}

impl Collector {
    fn start(mood: Mood) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let collector = Collector {
            address: listener.local_addr().unwrap().to_string(),
            mood: Arc::new(Mutex::new(mood)),
            taken: Arc::default(),
        };
        let (mood, taken) = (Arc::clone(&collector.mood), Arc::clone(&collector.taken));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (mood, taken) = (Arc::clone(&mood), Arc::clone(&taken));
                std::thread::spawn(move || serve(stream, &mood, &taken));
            }
        });
        collector
    }

    fn becomes(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Name of a service, then each attribute of its resource.
    fn services(&self) -> BTreeSet<String> {
        let taken = self.taken.lock().unwrap();
        let resources = taken.iter().flat_map(|request| &request.resource_spans);
        resources
            .flat_map(|of| &of.resource.as_ref().unwrap().attributes)
            .filter(|attribute| attribute.key == "service.name")
            .map(
                |attribute| match attribute.value.as_ref().unwrap().value.as_ref() {
                    Some(Any::StringValue(name)) => name.clone(),
                    other => panic!("{other:?}"),
                },
            )
            .collect()
    }

    fn is_empty(&self) -> bool {
        self.taken.lock().unwrap().is_empty()
    }
}

/// Serves one connection.
fn serve(stream: TcpStream, mood: &Mutex<Mood>, taken: &Mutex<Vec<ExportTraceServiceRequest>>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut stream = stream;
    while let Some((head, body)) = read_request(&mut reader) {
        let mood = *mood.lock().unwrap();
        let status = match mood {
            Mood::HangsUp => return,
            Mood::Hangs => {
                std::thread::sleep(PATIENCE);
                return;
            }
            Mood::Answers(status) => status,
            Mood::Takes => {
                assert!(head.starts_with("POST /v1/traces HTTP/1.1"), "{head}");
                assert!(
                    head.contains("content-type: application/x-protobuf"),
                    "{head}"
                );
                assert!(head.contains("api-key: hunter2"), "{head}");
                let request = ExportTraceServiceRequest::decode(body.as_slice());
                taken.lock().unwrap().push(request.expect("a message"));
                "200 OK"
            }
        };
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
        if stream.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

fn read_request(reader: &mut BufReader<TcpStream>) -> Option<(String, Vec<u8>)> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length?.parse().ok()?];
    reader.read_exact(&mut body).ok()?;
    Some((head, body))
}

#[test]
fn spans_arrive_in_otlp_by_service_and_whatever_a_receiver_does_the_shop_answers() {
    let folder = tempfile::tempdir().unwrap();
    let collector = Collector::start(Mood::Answers("400 Bad Request"));
    let endpoint = collector.endpoint();
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
        ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=hunter2"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "300"),
        ("OTEL_RESOURCE_ATTRIBUTES", "team=shop"),
        ("DD_ENV", "test"),
    ];
    let (running, gateway) = start(folder.path(), &variables);
    for (mood, reason) in [
        (Mood::Answers("400 Bad Request"), "status_400"),
        (Mood::Answers("429 Too Many Requests"), "status_429"),
        (Mood::Answers("500 Internal Server Error"), "status_500"),
        (Mood::HangsUp, "connection"),
        (Mood::Hangs, "timeout"),
    ] {
        collector.becomes(mood);
        browse_until(&gateway, reason, || drops(&gateway, "otlp", reason) > 0.0);
    }
    assert!(collector.is_empty());
    collector.becomes(Mood::Takes);
    let both = ["rum-shop-gateway", "rum-shop-order-service"];
    browse_until(&gateway, "spans of gateway and orders", || {
        let services = collector.services();
        both.iter().all(|service| services.contains(*service))
    });
    let output = running.finish();
    assert!(output.status.success());
    let log = String::from_utf8(output.stdout).unwrap();
    assert!(!log.contains("hunter2"));
    let told = log
        .lines()
        .filter(|line| line.contains("telemetry was dropped"));
    assert!((1..=5).contains(&told.count()), "{log}");
    check_spans(&collector);
}

/// Ids, times and resources of what arrived.
fn check_spans(collector: &Collector) {
    let taken = collector.taken.lock().unwrap();
    let mut entries = 0;
    for of in taken.iter().flat_map(|request| &request.resource_spans) {
        let resource = of.resource.as_ref().unwrap();
        let names: Vec<&str> = resource
            .attributes
            .iter()
            .map(|one| one.key.as_str())
            .collect();
        for name in [
            "service.version",
            "deployment.environment.name",
            "telemetry.sdk.language",
            "process.pid",
            "team",
        ] {
            assert!(names.contains(&name), "{names:?}");
        }
        for span in of.scope_spans.iter().flat_map(|scope| &scope.spans) {
            assert_eq!((span.trace_id.len(), span.span_id.len()), (16, 8));
            assert!(span.end_time_unix_nano >= span.start_time_unix_nano);
            assert!(
                span.attributes
                    .iter()
                    .all(|one| !one.key.starts_with("otel."))
            );
            // The caller of all requests.
            entries += usize::from(span.parent_span_id == 0xb7ad_6b71_6920_3331_u64.to_be_bytes());
        }
    }
    assert!(entries > 0);
}

#[test]
fn wrong_settings_are_told_all_at_once_and_nothing_starts() {
    let folder = tempfile::tempdir().unwrap();
    let flags = ["--free-ports", "--dogstatsd-url", "http://agent:8125"];
    let mut command = shop(folder.path(), &flags);
    command.env("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318");
    command.env("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc");
    command.env("OTEL_EXPORTER_OTLP_HEADERS", "hunter2");
    let output = command.output().unwrap();
    assert!(!output.status.success());
    let told = String::from_utf8(output.stderr).unwrap();
    for name in [
        "--dogstatsd-url",
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "OTEL_EXPORTER_OTLP_PROTOCOL",
        "OTEL_EXPORTER_OTLP_HEADERS",
    ] {
        assert!(told.contains(name), "{told}");
    }
    assert!(!told.contains("hunter2"), "{told}");
    assert!(!folder.path().join("data").exists());
}
