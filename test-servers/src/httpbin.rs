//! httpbin: a web application by others that answers with what it was asked.

use std::path::PathBuf;

use tempfile::TempDir;

use crate::child::{STARTS_MAX, Server, ask, command_as, free_port, log_in};
use crate::python::python;

/// A private httpbin under Flask's own server, which ends each connection after its answer. Ended when dropped.
#[derive(Debug)]
pub struct HttpbinServer {
    server: Option<Server>,
    port: u16,
    python: PathBuf,
    // Dropped last.
    folder: TempDir,
}

impl HttpbinServer {
    /// Starts a server; installs it first where it is missing.
    pub fn start() -> Self {
        let mut server = HttpbinServer {
            server: None,
            port: free_port(),
            python: python("httpbin"),
            folder: tempfile::tempdir().expect("a temporary folder"),
        };
        for _ in 0..STARTS_MAX {
            if server.try_start() {
                return server;
            }
            server.port = free_port();
        }
        panic!("httpbin does not start: {}", log_in(server.folder.path()));
    }

    fn try_start(&mut self) -> bool {
        let folder = self.folder.path();
        let port = self.port.to_string();
        let mut command = command_as(None, &self.python);
        command
            .args(["-m", "flask", "--app", "httpbin:app", "run"])
            .args(["--host", "127.0.0.1", "--port", &port]);
        command.current_dir(folder);
        self.server = Server::start(&mut command, folder, || self.answers());
        self.server.is_some()
    }

    fn answers(&self) -> bool {
        let answer = ask(self.port, b"GET /status/200 HTTP/1.0\r\n\r\n");
        answer.starts_with(b"HTTP/1") && answer.windows(4).any(|four| four == b" 200")
    }

    /// Where the server is.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}
