//! SQS: a private moto server, and fresh queue names on it or on a server that is there already.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rustix::process::Signal;
use tempfile::TempDir;

use crate::child::{Server, command_as, free_port, run, wait_for};

/// Names a server to share, such as `http://127.0.0.1:4566`; without it every [`TestSqs`] has a server of its own.
pub const SHARED_SERVER_VARIABLE: &str = "TEST_SQS_URL";
/// How often another port is tried when somebody else was quicker.
const STARTS_MAX: u32 = 5;
/// How long one look at the server may take.
const LOOK_MAX: Duration = Duration::from_secs(1);

/// A private SQS server, empty and forgetful. Ended when dropped.
#[derive(Debug)]
pub struct SqsServer {
    server: Option<Server>,
    port: u16,
    python: PathBuf,
    // Dropped last.
    folder: TempDir,
}

impl SqsServer {
    /// Starts a server; installs it first where it is missing.
    pub fn start() -> Self {
        let mut server = SqsServer {
            server: None,
            port: free_port(),
            python: python(),
            folder: tempfile::tempdir().expect("a temporary folder"),
        };
        for _ in 0..STARTS_MAX {
            if server.try_start() {
                return server;
            }
            server.port = free_port();
        }
        panic!("moto does not start: {}", server.log());
    }

    fn try_start(&mut self) -> bool {
        let folder = self.folder.path();
        let log = std::fs::File::create(folder.join("log")).expect("a log file");
        let mut command = command_as(None, &self.python);
        command
            .arg(source("test-servers/src/sqs_server.py"))
            .arg(self.port.to_string());
        command.current_dir(folder).stdin(Stdio::null());
        command
            .stdout(log.try_clone().expect("a second handle"))
            .stderr(log);
        let mut server = Server::start(&mut command);
        let ready = wait_for("moto is ready", || {
            if server.has_ended() {
                Some(false)
            } else {
                self.answers().then_some(true)
            }
        });
        self.server = Some(server);
        ready
    }

    fn answers(&self) -> bool {
        let ask = || -> std::io::Result<Vec<u8>> {
            let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
            stream.set_read_timeout(Some(LOOK_MAX))?;
            stream.write_all(b"GET /moto-api/data.json HTTP/1.0\r\n\r\n")?;
            let mut answer = vec![0; 64];
            let length = stream.read(&mut answer)?;
            answer.truncate(length);
            Ok(answer)
        };
        ask().is_ok_and(|answer| {
            answer.starts_with(b"HTTP/1") && answer.windows(4).any(|four| four == b" 200")
        })
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Where the server is.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Makes the server hang.
    pub fn pause(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets a hanging server go on.
    pub fn resume(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        self.server
            .as_ref()
            .expect("the server runs")
            .signal(signal);
    }
}

/// A file of this repository.
fn source(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// The interpreter that has moto.
fn python() -> PathBuf {
    let mut install = Command::new(source("scripts/venv"));
    let programs = run(install.arg("moto").stdin(Stdio::null()));
    Path::new(programs.trim()).join("python")
}

/// Queues that nobody else uses: names with a beginning of their own.
#[derive(Debug)]
pub struct TestSqs {
    url: String,
    server: Option<SqsServer>,
}

impl TestSqs {
    /// Fresh queue names on the server of [`SHARED_SERVER_VARIABLE`], or else on a server of its own.
    pub fn fresh() -> Self {
        match std::env::var(SHARED_SERVER_VARIABLE) {
            Ok(url) if !url.is_empty() => TestSqs::on(&url, None),
            _ => {
                let server = SqsServer::start();
                TestSqs::on(&server.url(), Some(server))
            }
        }
    }

    fn on(server_url: &str, server: Option<SqsServer>) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let since_1970 = std::time::UNIX_EPOCH.elapsed().unwrap_or_default();
        let name = format!("t{}-{}-{count}-", since_1970.as_nanos(), std::process::id());
        let server_url = server_url.trim_end_matches('/');
        TestSqs {
            url: format!("{server_url}/123456789012/{name}"),
            server,
        }
    }

    /// What the URLs of all queues begin with.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The server, if it is this test's own.
    pub fn server(&self) -> Option<&SqsServer> {
        self.server.as_ref()
    }
}
