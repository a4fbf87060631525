//! How processes end that have something under way.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use test_servers::sqs::SqsServer;

use super::{PATIENCE, Running, shop, told, wait_for_file};

/// Far more than a shop takes that is alone (0.4 s), far less than one that finishes what is under way (5 s).
const ALONE_MAX: Duration = Duration::from_secs(3);
/// So much longer than a producer's interval that an order is under way.
const HANGS: Duration = Duration::from_secs(1);

#[test]
fn a_shop_whose_holder_is_gone_does_not_finish_the_request_under_way() {
    let folder = tempfile::tempdir().unwrap();
    let ready = folder.path().join("ready.json");
    let flags = ["--free-ports", "--lifeline", "--products", "5"];
    let mut command = shop(folder.path(), &flags);
    let running = Running::start(command.arg("--ready-file").arg(&ready));
    let places = wait_for_file(&ready);
    let orders = places["services"]["orders"].as_str().unwrap();
    let mut asked = TcpStream::connect(orders.strip_prefix("http://").unwrap()).unwrap();
    asked.set_read_timeout(Some(PATIENCE)).unwrap();
    let request = "POST /api/orders HTTP/1.1\r\nhost: shop\r\ncontent-type: application/json\r\n\
                   content-length: 100\r\nexpect: 100-continue\r\n\r\n";
    asked.write_all(request.as_bytes()).unwrap();
    // It waits for the body by now.
    let mut begun = [0; 1024];
    let go_ahead = asked.read(&mut begun).unwrap();
    assert!(begun[..go_ahead].starts_with(b"HTTP/1.1 100"));
    let begin = Instant::now();
    running.abandon();
    let took = begin.elapsed();
    assert!(took < ALONE_MAX, "{took:?}");
}

/// Messages on the orders queue.
fn orders_on(queue: &str) -> usize {
    let mut command = Command::new(env!("CARGO_BIN_EXE_shop"));
    let listed = told(
        &command
            .args(["dlq", "list"])
            .env("QUEUE_URL", queue)
            .output()
            .unwrap(),
    );
    let orders = listed.lines().find(|line| line.starts_with("orders"));
    let visible = orders.unwrap().split_whitespace().nth(1).unwrap();
    visible.parse().unwrap()
}

#[test]
fn a_producer_that_is_told_to_stop_sends_the_order_under_way() {
    let folder = tempfile::tempdir().unwrap();
    let ready = folder.path().join("ready.json");
    let server = SqsServer::start();
    let queue = format!("{}/1/shop-", server.url());
    let mut command = Command::new(env!("CARGO_BIN_EXE_shop"));
    command
        .args(["producer", "--every", "100ms", "--data"])
        .arg(folder.path().join("data"))
        .arg("--ready-file")
        .arg(&ready)
        .env("QUEUE_URL", &queue)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let running = Running::start(&mut command);
    wait_for_file(&ready);
    let begin = Instant::now();
    while orders_on(&queue) == 0 {
        assert!(begin.elapsed() < PATIENCE, "nothing is produced");
    }
    server.pause();
    std::thread::sleep(HANGS);
    let process = running.id();
    let id = Pid::from_raw(i32::try_from(process).unwrap()).unwrap();
    kill_process(id, Signal::TERM).unwrap();
    std::thread::sleep(HANGS / 2);
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    assert!(!status.contains("State:\tZ"), "it does not wait: {status}");
    server.resume();
    let ended = running.finish();
    assert!(ended.status.success());
    let log = String::from_utf8(ended.stdout).unwrap();
    let produced = log.matches("an order was produced").count();
    assert_eq!(produced, orders_on(&queue), "{log}");
    assert!(log.contains("terminated"), "{log}");
}
