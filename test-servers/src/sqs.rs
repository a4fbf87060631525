//! SQS: a private moto server, and fresh queue names on it or on a server that is there already.

use std::path::PathBuf;

use rustix::process::Signal;
use tempfile::TempDir;

use crate::child::{STARTS_MAX, Server, ask, command_as, free_port, log_in, unique};
use crate::python::{python, source};

/// Names a server to share, such as `http://127.0.0.1:4566`; without it every [`TestSqs`] has a server of its own.
pub const SHARED_SERVER_VARIABLE: &str = "TEST_SQS_URL";

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
            python: python("moto"),
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
        let mut command = command_as(None, &self.python);
        command
            .arg(source("test-servers/src/sqs_server.py"))
            .arg(self.port.to_string());
        command.current_dir(folder);
        self.server = Server::start(&mut command, folder, || self.answers());
        self.server.is_some()
    }

    fn answers(&self) -> bool {
        let answer = ask(self.port, b"GET /moto-api/data.json HTTP/1.0\r\n\r\n");
        answer.starts_with(b"HTTP/1") && answer.windows(4).any(|four| four == b" 200")
    }

    fn log(&self) -> String {
        log_in(self.folder.path())
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
        let name = format!("t{}-", unique());
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
