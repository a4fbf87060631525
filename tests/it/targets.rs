//! Targets that misbehave: every error is counted by its kind, memory stays bounded, the run ends on time.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use loadgen::report::RunReport;

use crate::support::{Run, assert_adds_up, code_of, errors};

/// Connections that a hostile target keeps open at one time.
const CONNECTIONS_MAX: usize = 256;

/// Resident memory that a generator may need against any target. A debug build with its runtime takes about 20 MiB.
const MEMORY_BYTES_MAX: u64 = 128 << 20;

/// How long the runs last, without the time limit of the last request.
const LOAD_S: f64 = 2.0;

/// What a busy machine may add to the end of a run.
const GRACE_S: f64 = 20.0;

/// A TCP server that treats each connection as it is told; dropped, it stops and its threads end.
pub(crate) struct Hostile {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

/// One connection of a hostile target.
pub(crate) struct Victim {
    stream: TcpStream,
    stop: Arc<AtomicBool>,
}

impl Hostile {
    pub(crate) fn start(
        treat: impl Fn(&mut Victim) -> std::io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let stop = Arc::new(AtomicBool::new(false));
        let (stopped, treat) = (stop.clone(), Arc::new(treat));
        let thread = std::thread::spawn(move || {
            let mut threads = Vec::new();
            while let Ok((stream, _)) = listener.accept() {
                if stopped.load(Ordering::SeqCst) {
                    break;
                }
                assert!(
                    threads.len() < CONNECTIONS_MAX,
                    "more connections than foreseen"
                );
                let (stop, treat) = (stopped.clone(), treat.clone());
                threads.push(std::thread::spawn(move || {
                    // The client gives up in its own way; that is what is tested.
                    let _ = treat(&mut Victim { stream, stop });
                }));
            }
            threads.into_iter().for_each(|thread| {
                let _ = thread.join();
            });
        });
        Self {
            address,
            stop,
            thread: Some(thread),
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Hostile {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // The last connection wakes the listener up.
        let _ = TcpStream::connect(self.address);
        let _ = self.thread.take().map(std::thread::JoinHandle::join);
    }
}

impl Victim {
    /// Reads one request without a body; `false` at the end of the connection.
    fn read_request(&mut self) -> std::io::Result<bool> {
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") {
            if self.stream.read(&mut byte)? == 0 {
                return Ok(false);
            }
            head.push(byte[0]);
        }
        Ok(true)
    }

    /// Answers every request of the connection with the same bytes.
    pub(crate) fn answer_always(&mut self, answer: &[u8]) -> std::io::Result<()> {
        while self.read_request()? {
            self.stream.write_all(answer)?;
        }
        Ok(())
    }

    /// Takes in all that comes with a handshake's first flight, and closes in order.
    pub(crate) fn hear_and_go(&mut self) -> std::io::Result<()> {
        let mut head = [0; 5];
        self.stream.read_exact(&mut head)?;
        // The record's length stands in its last two bytes.
        let length = usize::from(u16::from_be_bytes([head[3], head[4]]));
        self.stream.read_exact(&mut vec![0; length])
    }

    /// Waits until the client has gone.
    fn linger(&mut self) -> std::io::Result<()> {
        self.stream
            .set_read_timeout(Some(Duration::from_millis(50)))?;
        let mut buffer = [0; 1024];
        while !self.stop.load(Ordering::SeqCst) {
            match self.stream.read(&mut buffer) {
                Ok(0) => break,
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                other => drop(other?),
            }
        }
        Ok(())
    }

    /// Makes the coming close a reset.
    fn reset(&self) -> std::io::Result<()> {
        rustix::net::sockopt::set_socket_linger(&self.stream, Some(Duration::ZERO))?;
        Ok(())
    }

    /// Writes pieces until the client has gone or the test is over.
    fn flood(&mut self, piece: &[u8], bytes_max: u64) -> std::io::Result<()> {
        let mut written = 0;
        while written < bytes_max && !self.stop.load(Ordering::SeqCst) {
            self.stream.write_all(piece)?;
            written += piece.len() as u64;
        }
        Ok(())
    }
}

/// A short storm on a target; what every such run must keep to is checked here.
fn storm(url: &str) -> RunReport {
    storm_with(url, "1s")
}

fn storm_with(url: &str, timeout: &str) -> RunReport {
    let scenario = format!(
        "name: hostile
load: {{ model: open, phases: [{{ name: steady, for: 2s, rate: 10/s }}] }}
http: {{ timeout: {timeout}, connections: {{ per-shopper: 1 }} }}
journeys: [{{ name: look, steps: [{{ get: /page }}] }}]
thresholds: [error share < 100%]
"
    );
    let run = Run::of(&scenario).with(&["--target", url, "--seed", "5"]);
    let (ended, report) = run.finish();
    assert_eq!(ended.code(), code_of(&report), "{}", ended.out);
    assert_adds_up(&report);
    assert!(report.accounting.planned > 10, "{:?}", report.accounting);
    assert!(
        report.elapsed_s < LOAD_S + 1.0 + GRACE_S,
        "{} s",
        report.elapsed_s
    );
    let memory = report.generator.memory_bytes_max;
    assert!(memory < MEMORY_BYTES_MAX, "{} MiB", memory >> 20);
    for name in ["loadgen.log", "samples.jsonl", "orders.jsonl"] {
        assert!(run.run_folder().join(name).is_file(), "no {name}");
    }
    report
}

/// All journeys failed, and all in one of these ways.
fn assert_all_failed(report: &RunReport, kinds: &[&str]) {
    let counted = errors(report);
    let expected: u64 = counted
        .iter()
        .filter(|(kind, _)| kinds.contains(&kind.as_str()))
        .map(|(_, count)| count)
        .sum();
    assert_eq!(
        expected, report.accounting.planned,
        "{counted:?}, expected {kinds:?}"
    );
    assert_eq!(counted.values().sum::<u64>(), expected, "{counted:?}");
    assert_eq!(report.verdict.passed, Some(false));
}

#[test]
fn down_is_connect_refused() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    drop(listener);
    assert_all_failed(&storm(&url), &["connect_refused"]);
}

#[test]
fn a_reset_is_a_reset() {
    let target = Hostile::start(|victim| {
        victim.read_request()?;
        victim.reset()
    });
    assert_all_failed(&storm(&target.url()), &["connection_reset"]);
}

#[test]
fn closing_at_once_is_closing() {
    // Bytes that come after the close make the system answer with a reset.
    let target = Hostile::start(|_| Ok(()));
    assert_all_failed(
        &storm(&target.url()),
        &["connection_closed", "connection_reset"],
    );
}

#[test]
fn closing_instead_of_answering_is_closing() {
    let target = Hostile::start(|victim| victim.read_request().map(drop));
    assert_all_failed(&storm(&target.url()), &["connection_closed"]);
}

#[test]
fn garbage_is_not_http() {
    let target = Hostile::start(|victim| victim.answer_always(b"\x16\x03\x01 what?\r\n\r\n"));
    assert_all_failed(&storm(&target.url()), &["not_http"]);
}

#[test]
fn a_target_that_hangs_is_timed_out() {
    let target = Hostile::start(Victim::linger);
    let report = storm(&target.url());
    assert_all_failed(&report, &["timeout"]);
    assert_eq!(report.accounting.timed_out, report.accounting.planned);
}

#[test]
fn redirects_in_a_loop_are_followed_so_far() {
    let answer = b"HTTP/1.1 302 Found\r\nlocation: /page?again\r\ncontent-length: 0\r\n\r\n";
    let target = Hostile::start(move |victim| victim.answer_always(answer));
    assert_all_failed(&storm_with(&target.url(), "30s"), &["too_many_redirects"]);
}

#[test]
fn redirects_to_nowhere_are_errors_too() {
    let answer = b"HTTP/1.1 302 Found\r\nlocation: gopher://x\r\ncontent-length: 0\r\n\r\n";
    let target = Hostile::start(move |victim| victim.answer_always(answer));
    assert_all_failed(&storm(&target.url()), &["bad_redirect"]);
}

#[test]
fn a_gigabyte_is_not_read() {
    let target = Hostile::start(|victim| {
        victim.read_request()?;
        victim
            .stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1073741824\r\n\r\n")?;
        victim.flood(&[b'x'; 64 << 10], 1 << 30)
    });
    let report = storm_with(&target.url(), "30s");
    assert_all_failed(&report, &["body_too_large"]);
}

#[test]
fn a_gigabyte_in_chunks_is_not_read_either() {
    let target = Hostile::start(|victim| {
        victim.read_request()?;
        victim
            .stream
            .write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")?;
        let mut piece = b"8000\r\n".to_vec();
        piece.extend([b'x'; 0x8000]);
        piece.extend(b"\r\n");
        victim.flood(&piece, 1 << 30)
    });
    assert_all_failed(&storm_with(&target.url(), "30s"), &["body_too_large"]);
}

#[test]
fn a_body_that_trickles_is_timed_out() {
    let target = Hostile::start(|victim| {
        victim.read_request()?;
        victim
            .stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n")?;
        // The pace of the target itself: a byte now and then.
        while !victim.stop.load(Ordering::SeqCst) {
            victim.stream.write_all(b"x")?;
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    });
    assert_all_failed(&storm(&target.url()), &["timeout"]);
}

#[test]
fn endless_headers_are_not_kept() {
    let target = Hostile::start(|victim| {
        victim.read_request()?;
        victim.stream.write_all(b"HTTP/1.1 200 OK\r\n")?;
        let line = format!("x-more: {}\r\n", "y".repeat(1000));
        victim.flood(line.as_bytes(), 1 << 30)
    });
    assert_all_failed(&storm_with(&target.url(), "30s"), &["head_too_large"]);
}

#[test]
fn a_body_shorter_than_announced_is_a_closed_connection() {
    let target = Hostile::start(|victim| {
        victim.read_request()?;
        victim
            .stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nshort")
    });
    assert_all_failed(&storm(&target.url()), &["connection_closed"]);
}

#[test]
fn a_content_length_that_is_no_number_is_malformed() {
    let target = Hostile::start(|victim| {
        victim.answer_always(b"HTTP/1.1 200 OK\r\ncontent-length: -7\r\n\r\nx")
    });
    assert_all_failed(&storm(&target.url()), &["malformed_http"]);
}

#[test]
fn broken_chunks_are_malformed() {
    let target = Hostile::start(|victim| {
        victim.answer_always(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nx")
    });
    assert_all_failed(&storm(&target.url()), &["malformed_http"]);
}

#[test]
fn more_bytes_than_announced_do_not_end_up_in_the_next_answer() {
    let target = Hostile::start(|victim| {
        victim
            .answer_always(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokHTTP/1.1 500 No\r\n\r\n")
    });
    let scenario = "name: surplus
load: { model: closed, shoppers: 1, journeys: 10 }
journeys: [{ name: look, steps: [{ get: /a }, { get: /b }, { get: /c }] }]
";
    let run = Run::of(scenario).with(&["--target", &target.url()]);
    let (_, report) = run.finish();
    assert_eq!(errors(&report), BTreeMap::new());
    let ok: u64 = report.steps.iter().map(|step| step.ok).sum();
    assert_eq!(ok, 30, "{:?} {:?}", report.accounting, report.steps);
}

#[test]
fn interim_answers_are_passed_over() {
    let target = Hostile::start(|victim| {
        victim.answer_always(
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok",
        )
    });
    let report = storm_with(&target.url(), "30s");
    assert_eq!(errors(&report), BTreeMap::new());
    assert_eq!(report.accounting.completed, report.accounting.planned);
    assert_eq!(report.verdict.passed, Some(true));
}

#[test]
fn interim_answers_without_end_are_timed_out() {
    let target = Hostile::start(|victim| {
        victim.read_request()?;
        while !victim.stop.load(Ordering::SeqCst) {
            victim.flood(b"HTTP/1.1 100 Continue\r\n\r\n", 1 << 10)?;
            // The pace of the target: it is to be endless, not to take the machine for itself.
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    });
    assert_all_failed(&storm(&target.url()), &["timeout"]);
}

#[test]
fn a_body_until_the_end_of_the_connection_is_an_answer() {
    let target = Hostile::start(|victim| {
        victim.read_request()?;
        victim.stream.write_all(b"HTTP/1.0 200 OK\r\n\r\nall of it")
    });
    let report = storm_with(&target.url(), "30s");
    assert_eq!(errors(&report), BTreeMap::new());
    let bytes: u64 = report.steps.iter().map(|step| step.bytes).sum();
    assert_eq!(bytes, 9 * report.accounting.planned);
}

#[test]
fn a_host_that_never_answers_a_connection_is_timed_out() {
    use rustix::net::{AddressFamily, SocketType, bind, getsockname, listen, socket};
    let listener = socket(AddressFamily::INET, SocketType::STREAM, None).expect("a socket");
    let any: SocketAddr = "127.0.0.1:0".parse().expect("an address");
    bind(&listener, &any).expect("a free port");
    // Nobody accepts, and the queue holds next to nothing: what comes later gets no answer at all.
    listen(&listener, 0).expect("a listener");
    let address = getsockname(&listener).expect("an address");
    let address = SocketAddr::try_from(address).expect("an internet address");
    let queue: Vec<_> = (0..4)
        .map(|_| TcpStream::connect_timeout(&address, Duration::from_millis(200)))
        .collect();
    assert!(
        queue.iter().any(Result::is_err),
        "the queue takes everything"
    );
    assert_all_failed(&storm(&format!("http://{address}")), &["timeout"]);
}

#[test]
fn tls_that_is_none_is_an_error_of_tls() {
    let target = Hostile::start(|victim| {
        let mut buffer = [0; 4096];
        let _ = victim.stream.read(&mut buffer)?;
        victim.stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    });
    let url = target.url().replace("http://", "https://");
    assert_all_failed(&storm(&url), &["tls_not_spoken"]);
}
