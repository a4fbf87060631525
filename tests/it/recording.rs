//! The recording of what a system tells of itself, through the binary: telemetry is sent to a run's receivers as an
//! instrumented application sends it, and read again with `loadgen traces`, `loadgen logs` and SQL.

use std::io::Write as _;
use std::net::UdpSocket;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use rusqlite::Connection;

use crate::echo::Echo;
use crate::support::{Ended, Program, Run, eventually};

mod hostile;
mod messages;
mod sender;

use messages::{logs, metrics, now_nanos, spans, trace};
use sender::{Answer, Receivers};

/// A load that is hardly one: what is looked at is what the test sends besides.
const STROLL: &str = "
name: recorded
load: { model: open, phases: [{ name: steady, for: 100s, rate: 5/s }] }
limits: { start-lag: 10m }
journeys: [{ name: look, steps: [{ get: /page }] }]
";

/// A run against a server of its own, with receivers.
struct Recorded {
    run: Run,
    storm: Program,
    to: Receivers,
    echo: Echo,
}

impl Recorded {
    fn start() -> Self {
        let echo = Echo::start();
        let run =
            Run::of(STROLL).with(&["--target", &echo.url(), "--receive", "otlp=0,dogstatsd=0"]);
        let storm = run.start();
        let to = Receivers::of(&run);
        Self {
            run,
            storm,
            to,
            echo,
        }
    }

    /// Ends the run; its folder is read then.
    fn finish(self) -> Run {
        self.storm.signal(rustix::process::Signal::INT);
        let ended = self.storm.wait();
        assert_eq!(ended.code(), 130, "{}", ended.err);
        self.run
    }
}

/// `loadgen` with these arguments around the run's folder.
fn loadgen(command: &str, run: &Run, arguments: &[&str]) -> Ended {
    let folder = run.run_folder();
    let folder = folder.to_str().expect("UTF-8");
    Program::start([&[command, folder], arguments].concat()).wait()
}

fn database(folder: &Path) -> Connection {
    Connection::open(folder.join("telemetry.db")).expect("the recording")
}

fn number(file: &Connection, query: &str) -> f64 {
    let read = file.query_row(query, [], |row| row.get::<_, Option<f64>>(0));
    read.expect(query).unwrap_or_default()
}

#[test]
fn traces_metrics_and_logs_of_an_application_are_recorded() {
    let recorded = Recorded::start();
    let to = &recorded.to;
    for id in 1..=3 {
        to.post("/v1/traces", &trace(id, 1_000 * u64::from(id)))
            .is_taken();
    }
    to.post("/v1/metrics", &metrics(5.0)).is_taken();
    to.post("/v1/logs", &logs(2)).is_taken();
    to.say("orders.created:2|c|#env:test,service:orders\norders.seconds:0.1:0.3|d|#env:test\ndepth:7|g");
    to.say("_sc|db.up|2|#env:test|m:gone\n_e{2,4}:up|text|#env:test\nthis is no line");
    // Its own metrics are recorded, too, once a second is over.
    let seen = || (recorded.echo.seen().len() >= 10).then_some(());
    eventually("a load", seen);
    let run = recorded.finish();

    let list = loadgen("traces", &run, &["--slow"]);
    assert_eq!(list.code(), 0, "{}", list.err);
    let rows: Vec<&str> = list
        .out
        .lines()
        .filter(|line| line.contains("shop-front POST /buy"))
        .collect();
    assert_eq!(rows.len(), 3, "{}", list.out);
    assert!(
        rows[0].contains("3000.0 ms") && rows[0].contains("failed"),
        "{}",
        list.out
    );
    let one = loadgen("traces", &run, &["0303", "--verbose"]);
    for part in [
        "caller · span",
        "shop-front  POST /buy",
        "shop-bank  charge",
        "✗",
        "█",
        "error.type = declined",
        "continues span",
    ] {
        assert!(one.out.contains(part), "no '{part}' in {}", one.out);
    }
    assert!(!one.out.contains("s3cret-in-a-span"), "{}", one.out);
    let decimal = u64::from_be_bytes([3; 8]).to_string();
    let same = loadgen("traces", &run, &[&decimal, "--verbose"]);
    assert_eq!(same.out, one.out, "{}", same.err);
    let json = loadgen("traces", &run, &["0303", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&json.out).expect("JSON");
    assert_eq!(json["spans_recorded"].as_array().map(Vec::len), Some(2));
    let none = loadgen("traces", &run, &["--service", "nobody"]);
    assert!(none.out.contains("none of the 3"), "{}", none.out);

    let lines = loadgen("logs", &run, &["--trace", "0202", "--level", "warn"]);
    assert!(
        lines.out.contains("ERROR shop-bank the bank said no"),
        "{} {}",
        lines.out,
        lines.err
    );
    assert_eq!(lines.out.lines().count(), 1);

    assert_recorded(&run);
}

fn assert_recorded(run: &Run) {
    let file = database(&run.run_folder());
    let sum = |metric: &str| {
        let of = "FROM points JOIN series ON series = id WHERE metric";
        number(&file, &format!("SELECT sum(value) {of} = '{metric}'"))
    };
    assert_eq!(
        (sum("orders.created"), sum("depth"), sum("app.requests")),
        (2.0, 7.0, 5.0)
    );
    assert!(sum("loadgen.requests") >= 1.0);
    let sketches = "SELECT count(*) FROM points JOIN series ON series = id WHERE sketch IS NOT NULL AND metric";
    for metric in ["orders.seconds", "app.duration", "loadgen.response_time_ms"] {
        let like = metric.replace("_time_ms", "%");
        assert!(
            number(&file, &format!("{sketches} LIKE '{like}'")) >= 1.0,
            "{metric}"
        );
    }
    assert_eq!(
        number(&file, "SELECT count(*) FROM points WHERE at % 10 <> 0"),
        0.0
    );
    assert_eq!(
        number(&file, "SELECT status FROM checks WHERE name = 'db.up'"),
        2.0
    );
    assert_eq!(
        number(&file, "SELECT count(*) FROM events WHERE title = 'up'"),
        1.0
    );
    let tags = file.query_row(
        "SELECT tags FROM series WHERE metric = 'orders.created'",
        [],
        |row| row.get(0),
    );
    assert_eq!(tags, Ok("env:test,service:orders".to_owned()));
    let report = run.report();
    let recording = report.recording.expect("a recording");
    assert_eq!(
        (
            recording.traces,
            recording.logs,
            recording.dropped["malformed"]
        ),
        (3, 2, 1)
    );
    let text = loadgen("report", run, &["--text"]).out;
    assert!(
        text.contains("recorded: ") && text.contains("3 of 3 traces"),
        "{text}"
    );
    assert!(text.contains("1 were not understood"), "{text}");
    let names: Vec<String> = std::fs::read_dir(run.run_folder())
        .expect("a folder")
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .filter(|name| name.starts_with("telemetry"))
        .collect();
    assert_eq!(names, ["telemetry.db"]);
    let mode = std::fs::metadata(run.run_folder().join("telemetry.db")).expect("the file");
    assert_eq!(
        std::os::unix::fs::PermissionsExt::mode(&mode.permissions()) & 0o777,
        0o600
    );
}

#[test]
fn gzip_and_json_are_taken_as_well() {
    let recorded = Recorded::start();
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(&trace(4, 1_000)).expect("memory");
    let packed = packed.finish().expect("memory");
    let to = &recorded.to;
    to.request(
        "POST",
        "/v1/traces",
        &[
            "content-type: application/x-protobuf",
            "content-encoding: gzip",
        ],
        &packed,
    )
    .is_taken();
    let now = now_nanos();
    let json = format!(
        r#"{{"resourceSpans":[{{"resource":{{"attributes":[{{"key":"service.name","value":{{"stringValue":"web"}}}}]}},
        "scopeSpans":[{{"spans":[{{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","name":"by JSON",
        "kind":2,"startTimeUnixNano":"{now}","endTimeUnixNano":"{}","status":{{}}}}]}}]}}]}}"#,
        now + 5_000_000
    );
    let answer = to.request(
        "POST",
        "/v1/traces",
        &["content-type: application/json"],
        json.as_bytes(),
    );
    answer.is_taken();
    assert!(answer.text().ends_with("{}"), "{}", answer.text());
    let run = recorded.finish();
    let list = loadgen("traces", &run, &[]).out;
    assert!(
        list.contains("web by JSON") && list.contains("shop-front POST /buy"),
        "{list}"
    );
}

#[test]
fn what_is_wrong_is_answered_as_otlp_says() {
    let recorded = Recorded::start();
    let to = &recorded.to;
    type Case = (
        &'static str,
        &'static str,
        &'static [&'static str],
        &'static [u8],
        u16,
    );
    const PROTOBUF: &str = "content-type: application/x-protobuf";
    let cases: [Case; 6] = [
        ("POST", "/v1/traces", &[PROTOBUF], b"\xff\xff\xff", 400),
        (
            "POST",
            "/v1/logs",
            &["content-type: application/json"],
            b"{",
            400,
        ),
        (
            "POST",
            "/v1/traces",
            &["content-type: text/plain"],
            b"",
            415,
        ),
        (
            "POST",
            "/v1/traces",
            &[PROTOBUF, "content-encoding: br"],
            b"",
            415,
        ),
        ("GET", "/v1/traces", &[], b"", 405),
        ("POST", "/v1/profiles", &[PROTOBUF], b"", 404),
    ];
    for (method, path, headers, body, status) in cases {
        assert_eq!(
            to.request(method, path, headers, body).status(),
            status,
            "{method} {path}"
        );
    }
    // One of two spans has no id: the other one is taken, and the sender told.
    let answer = to.post("/v1/traces", &spans(&[9, 0]));
    answer.is_taken();
    assert!(
        answer.text().contains("a span needs a trace id"),
        "{}",
        answer.text()
    );
    let run = recorded.finish();
    assert_eq!(run.report().recording.expect("a recording").traces, 1);
}

#[test]
fn places_that_are_wrong_or_taken_are_said_before_the_run() {
    let echo = Echo::start();
    let refused = |receive: &str, code: i32, parts: &[&str]| {
        let run = Run::of(STROLL).with(&["--target", &echo.url(), "--receive", receive]);
        let ended = run.start().wait();
        assert_eq!(ended.code(), code, "{}", ended.err);
        for part in parts {
            assert!(ended.err.contains(part), "no '{part}' in {}", ended.err);
        }
    };
    refused(
        "otlp=x,statsd=1",
        2,
        &[
            "'x' is no place for otlp",
            "'statsd' is not received",
            "--receive",
        ],
    );
    let tcp = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let udp = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let [otlp, dogstatsd] =
        [tcp.local_addr(), udp.local_addr()].map(|place| place.expect("an address").port());
    let both = format!("otlp={otlp},dogstatsd={dogstatsd}");
    refused(
        &both,
        1,
        &[
            "cannot receive otlp",
            "cannot receive dogstatsd",
            "another place with --receive",
        ],
    );
    assert_eq!(echo.seen(), []);
}

#[test]
fn a_unix_socket_is_made_and_removed() {
    let echo = Echo::start();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("dogstatsd.socket");
    let receive = format!("dogstatsd=unix:{}", path.display());
    let run = Run::of(STROLL).with(&["--target", &echo.url(), "--receive", &receive]);
    let storm = run.start();
    let socket = std::os::unix::net::UnixDatagram::unbound().expect("a socket");
    eventually("the socket", || {
        socket.send_to(b"by.socket:3|c", &path).ok()
    });
    storm.signal(rustix::process::Signal::INT);
    assert_eq!(storm.wait().code(), 130);
    assert!(!path.exists());
    let file = database(&run.run_folder());
    let sum = "SELECT sum(value) FROM points JOIN series ON series = id WHERE metric = 'by.socket'";
    assert_eq!(number(&file, sum), 3.0);
}

#[test]
fn a_run_without_a_recording_says_so() {
    let echo = Echo::start();
    let run = Run::of("name: s\nload: { model: one-by-one, journeys: 1 }\njourneys: [{ name: j, steps: [{ get: / }] }]\n")
        .with(&["--target", &echo.url()]);
    let (_, report) = run.finish();
    assert_eq!(report.recording, None);
    let ended = loadgen("traces", &run, &[]);
    assert_eq!(ended.code(), 2, "{}", ended.err);
    assert!(
        ended.err.contains("has no recording") && ended.err.contains("--receive"),
        "{}",
        ended.err
    );
    let folder = run.run_folder();
    let ended = Program::start(["logs", folder.join("no").to_str().expect("UTF-8")]).wait();
    assert_eq!(ended.code(), 2, "{}", ended.err);
}

/// The shop sends nothing unless it is told where: loadgen tells it, and leaves alone who has told it already.
#[test]
fn the_embedded_shop_hears_where_to_send() {
    let run = Run::built_in("smoke").with(&["--duration", "4s"]);
    let storm = run.start();
    let environment = || -> Option<String> {
        let folder = run.try_run_folder()?.to_string_lossy().into_owned();
        children(storm.id()).into_iter().find_map(|child| {
            let is_shop = std::fs::read_to_string(format!("/proc/{child}/cmdline"))
                .ok()?
                .contains(&folder);
            is_shop
                .then(|| std::fs::read_to_string(format!("/proc/{child}/environ")).ok())
                .flatten()
        })
    };
    let environment = eventually("the shop", environment);
    for part in [
        "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:",
        "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf",
        "DD_DOGSTATSD_URL=udp://127.0.0.1:",
    ] {
        assert!(environment.contains(part), "no {part} in {environment:?}");
    }
    assert!([0, 3, 4].contains(&storm.wait().code()));
    let lines = loadgen("logs", &run, &["--limit", "3"]);
    assert_eq!(
        (lines.code(), lines.out.lines().count()),
        (0, 3),
        "{}",
        lines.err
    );
    assert!(
        number(
            &database(&run.run_folder()),
            "SELECT count(*) FROM series WHERE metric LIKE 'loadgen.%'"
        ) > 5.0
    );
}

fn children(of: u32) -> Vec<u32> {
    let tasks = std::fs::read_dir(format!("/proc/{of}/task"))
        .into_iter()
        .flatten()
        .flatten();
    let lists = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok());
    lists
        .flat_map(|list| {
            list.split_whitespace()
                .filter_map(|id| id.parse().ok())
                .collect::<Vec<_>>()
        })
        .collect()
}

impl Answer {
    fn is_taken(&self) {
        assert_eq!(self.status(), 200, "{}", self.text());
    }
}
