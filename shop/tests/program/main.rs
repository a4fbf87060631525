//! The shop as a program: flags, the ready file, the lifeline, exit codes.

mod database_link;
mod endings;
mod exposure;
mod logs;
mod measures;
mod outages;
mod processes;
mod spans;
mod telemetry;
mod traces;

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// How long anything here may take before the test fails.
const PATIENCE: Duration = Duration::from_secs(60);

fn shop(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_shop"));
    command
        .arg("serve")
        .args(arguments)
        .arg("--data")
        .arg(folder.join("data"))
        .env("PASSWORD_COST", "64,1,1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Ends the program when a test fails half-way.
struct Running(Option<Child>);

impl Running {
    fn start(command: &mut Command) -> Self {
        Running(Some(command.spawn().unwrap()))
    }

    fn id(&self) -> u32 {
        self.0.as_ref().unwrap().id()
    }

    /// Tells it to stop in order.
    fn finish(mut self) -> Output {
        let mut child = self.0.take().unwrap();
        let mut lifeline = child.stdin.take().unwrap();
        // One that has ended already hears nothing.
        let _ = lifeline.write_all(b"stop\n");
        drop(lifeline);
        child.wait_with_output().unwrap()
    }

    /// Lets go of its lifeline without a word, as a holder that was killed does.
    fn abandon(mut self) -> Output {
        let mut child = self.0.take().unwrap();
        drop(child.stdin.take());
        child.wait_with_output().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }
}

fn wait_for_file(path: &Path) -> Value {
    let start = Instant::now();
    while start.elapsed() < PATIENCE {
        if let Ok(text) = std::fs::read_to_string(path) {
            return serde_json::from_str(&text).expect("the ready file is never half written");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("{} was not written", path.display());
}

#[test]
fn a_whole_shop_says_where_it_is_and_ends_with_its_lifeline() {
    let folder = tempfile::tempdir().unwrap();
    let ready = folder.path().join("ready.json");
    let ready_file = ready.to_str().unwrap();
    let flags = [
        "--free-ports",
        "--lifeline",
        "--products",
        "50",
        "--ready-file",
        ready_file,
    ];
    let running = Running::start(shop(folder.path(), &flags).env("JWT_SECRET", "do not print me"));
    let told = wait_for_file(&ready);
    assert_eq!(told["pid"], running.id());
    assert_eq!(told["services"].as_object().unwrap().len(), 8);
    for url in told["services"].as_object().unwrap().values() {
        let address = url.as_str().unwrap().strip_prefix("http://").unwrap();
        std::net::TcpStream::connect(address).unwrap();
    }
    let output = running.finish();
    assert!(output.status.success());
    let log = String::from_utf8(output.stdout).unwrap();
    assert!(!log.contains("do not print me"));
    for line in log.lines() {
        let line: Value = serde_json::from_str(line).expect("every line of the log is JSON");
        assert!(
            line["timestamp"].is_string() && line["service"].is_string(),
            "{line}"
        );
    }
}

#[test]
fn a_shop_whose_holder_is_gone_does_not_finish_what_takes_long() {
    let folder = tempfile::tempdir().unwrap();
    let ready = folder.path().join("ready.json");
    let flags = [
        "--free-ports",
        "--lifeline",
        // Far more than it could make in the time that it has.
        "--products",
        "1000000",
        "--ready-file",
        ready.to_str().unwrap(),
    ];
    Running::start(&mut shop(folder.path(), &flags)).abandon();
    assert!(!ready.exists(), "it went on to start");
}

#[test]
fn a_single_service_stops_when_it_is_told_to() {
    let folder = tempfile::tempdir().unwrap();
    let ready = folder.path().join("ready.json");
    let ready_file = ready.to_str().unwrap();
    let flags = [
        "--service",
        "cart",
        "--port",
        "cart=0",
        "--ready-file",
        ready_file,
    ];
    let running = Running::start(&mut shop(folder.path(), &flags));
    let told = wait_for_file(&ready);
    assert_eq!(told["services"].as_object().unwrap().len(), 1);
    let id = i32::try_from(running.id()).unwrap();
    let process = rustix::process::Pid::from_raw(id).unwrap();
    rustix::process::kill_process(process, rustix::process::Signal::TERM).unwrap();
    let output = running.finish();
    assert!(output.status.success());
    assert!(
        String::from_utf8(output.stdout)
            .unwrap()
            .contains("terminated")
    );
}

fn tool(arguments: &[&str], folder: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_shop"))
        .args(arguments)
        .arg("--data")
        .arg(folder)
        .output()
        .unwrap()
}

fn told(output: &Output) -> String {
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn dead_letters_and_schema_versions_are_looked_after_from_the_command_line() {
    let folder = tempfile::tempdir().unwrap();
    let ready = folder.path().join("ready.json");
    let flags = [
        "--free-ports",
        "--lifeline",
        "--products",
        "5",
        "--ready-file",
        ready.to_str().unwrap(),
    ];
    let running = Running::start(&mut shop(folder.path(), &flags));
    wait_for_file(&ready);
    let data = folder.path().join("data");
    let listed = tool(&["dead-letters", "list"], &data);
    assert!(listed.status.success());
    assert_eq!(String::from_utf8(listed.stdout).unwrap().lines().count(), 5);
    assert!(
        tool(&["dlq", "redrive", "payments"], &data)
            .status
            .success()
    );
    assert!(running.finish().status.success());

    let status = told(&tool(&["migrate", "status"], &data));
    assert!(
        status.contains("shop.db") && status.contains("sessions.db") && status.contains("outbox"),
        "{status}"
    );
    assert!(!status.contains("pending"), "{status}");
    for (arguments, word) in [
        (&["migrate", "down"][..], "version 1"),
        (&["migrate", "down", "--to", "0"], "version 0"),
        (&["migrate", "up", "--to", "1"], "version 1"),
        (&["migrate", "up"], "version 2"),
        (&["migrate", "down", "--database", "sessions"], "version 0"),
        (&["migrate", "up", "--database", "sessions"], "version 1"),
    ] {
        assert!(
            told(&tool(arguments, &data)).contains(word),
            "{arguments:?}"
        );
    }
    told(&tool(&["migrate", "down"], &data));
    assert!(told(&tool(&["migrate", "status"], &data)).contains("pending"));
    for (arguments, word) in [
        (&["migrate", "up", "--to", "99"][..], "newest is 2"),
        (&["migrate", "up", "--to", "0"], "migrate down --to 0"),
        (&["migrate", "monitoring"], "DATABASE_URL"),
    ] {
        let refused = tool(arguments, &data);
        assert!(!refused.status.success());
        assert!(
            String::from_utf8(refused.stderr).unwrap().contains(word),
            "{arguments:?}"
        );
    }
    let nowhere = tool(&["migrate", "status"], &folder.path().join("nowhere"));
    assert!(
        String::from_utf8(nowhere.stderr)
            .unwrap()
            .contains("--data")
    );
    let elsewhere = tool(&["dlq", "list"], &folder.path().join("nowhere"));
    assert!(
        String::from_utf8(elsewhere.stderr)
            .unwrap()
            .contains("--data")
    );
}

#[test]
fn dead_letters_are_looked_after_on_sqs() {
    let sqs = test_servers::sqs::TestSqs::fresh();
    let on_sqs = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_shop"));
        command
            .arg("dlq")
            .args(arguments)
            .env("QUEUE_URL", sqs.url());
        // A key for AWS must not be needed for a server that takes any.
        command
            .env_remove("AWS_ACCESS_KEY_ID")
            .env_remove("AWS_PROFILE");
        told(&command.output().unwrap())
    };
    assert!(on_sqs(&["list"]).contains("payments"));
    assert_eq!(on_sqs(&["redrive", "payments"]), "0 put back\n");
    assert_eq!(on_sqs(&["show", "payments"]), "");
    on_sqs(&["purge", "payments", "--yes"]);
}

fn health(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_shop"))
        .arg("health")
        .args(arguments)
        .output()
        .unwrap()
}

/// Answers each connection with these bytes, or never when there are none; ends with the test.
fn answering(bytes: &'static str) -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/health", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let mut open = Vec::new();
        for mut stream in listener.incoming().flatten() {
            let read = stream.read(&mut [0; 1024]).unwrap_or(0);
            if read > 0 && !bytes.is_empty() {
                stream.write_all(bytes.as_bytes()).unwrap();
            } else {
                open.push(stream);
            }
        }
    });
    url
}

#[test]
fn health_asks_a_service_and_says_it_by_the_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let ready = folder.path().join("ready.json");
    let flags = ["--service", "cart", "--port", "cart=0", "--lifeline"];
    let mut command = shop(folder.path(), &flags);
    let running = Running::start(command.arg("--ready-file").arg(&ready));
    let places = wait_for_file(&ready);
    let url = format!("{}/health", places["services"]["cart"].as_str().unwrap());
    let well = health(&["--url", &url]);
    assert_eq!(well.status.code(), Some(0));
    assert_eq!(
        String::from_utf8(well.stdout).unwrap(),
        format!("ok {url}\n")
    );
    let file = ready.to_str().unwrap();
    assert_eq!(health(&["--ready-file", file]).status.code(), Some(0));
    let ready_url = url.replace("/health", "/ready");
    let ready = told(&health(&["--ready", "--ready-file", file]));
    assert_eq!(ready, format!("ok {ready_url}\n"));
    let elsewhere = url.replace("/health", "/nowhere");
    let missing = health(&["--url", &elsewhere]);
    assert!(String::from_utf8(missing.stderr).unwrap().contains("404"));
    assert!(running.finish().status.success());
    let gone = health(&["--url", &url]);
    assert_eq!(gone.status.code(), Some(1));
    let words = String::from_utf8(gone.stderr).unwrap();
    assert!(words.contains(&url) && words.contains("is the service running?"));
    let over = health(&["--ready-file", file]);
    assert!(String::from_utf8(over.stderr).unwrap().contains("is gone"));
    let never = health(&["--ready-file", "nowhere.json"]);
    assert!(
        String::from_utf8(never.stderr)
            .unwrap()
            .contains("is the process ready?")
    );
}

#[test]
fn what_answers_but_is_not_well_is_not_healthy() {
    for (bytes, word) in [
        ("", "did not answer within 1 s"),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 12\r\n\r\n{\"ok\":false}",
            "not well",
        ),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi",
            "something else",
        ),
        (
            "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n",
            "503",
        ),
        (
            "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 73\r\n\r\n\
             {\"ready\":false,\"checks\":[{\"name\":\"database\",\"ok\":false,\"required\":true}]}",
            "does not reach database",
        ),
    ] {
        let output = health(&["--timeout-s", "1", "--url", &answering(bytes)]);
        assert_eq!(output.status.code(), Some(1), "{word}");
        assert!(
            String::from_utf8(output.stderr).unwrap().contains(word),
            "{word}"
        );
    }
    let both = health(&["--service", "cart", "--url", "http://127.0.0.1:1/health"]);
    assert!(
        String::from_utf8(both.stderr)
            .unwrap()
            .contains("--service")
    );
}

#[test]
fn mistakes_on_the_command_line_are_named_with_a_remedy() {
    let folder = tempfile::tempdir().unwrap();
    for (flags, words) in [
        (vec!["--service", "carts"], vec!["carts", "cart", "gateway"]),
        (vec!["--port", "cart"], vec!["SERVICE=PORT"]),
        (vec!["--port", "cart=70000"], vec!["70000", "65535"]),
        (vec!["--port-base", "65530"], vec!["--port-base", "smaller"]),
        (vec!["--password-cost", "1,2"], vec!["19456,2,1"]),
        (
            vec!["--orders-url", "ftp://x"],
            vec!["http://127.0.0.1:8080"],
        ),
        (vec!["--log-level", "shop=loud"], vec!["--log-level"]),
        (vec!["--products", "0"], vec!["1..=1000000"]),
    ] {
        let output = Running::start(&mut shop(folder.path(), &flags)).finish();
        assert!(!output.status.success(), "{flags:?}");
        let text = String::from_utf8(output.stderr).unwrap();
        for word in words {
            assert!(text.contains(word), "{flags:?}: {text}");
        }
    }
}
