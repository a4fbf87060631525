//! Redis: a private server with an append-only file, and fresh parts of it or of one that is there already.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use rustix::process::Signal;
use tempfile::TempDir;

use crate::child::{
    STARTS_MAX, Server, ask, command_as, find_program, free_port, log_in, run, unique,
};
use crate::postgres::STORES_VARIABLE;

/// Names a server to share; without it every [`TestRedis`] has a server of its own.
pub const SHARED_SERVER_VARIABLE: &str = "TEST_REDIS_URL";

/// A private Redis server that keeps what it acknowledged. Ended and removed when dropped.
#[derive(Debug)]
pub struct RedisServer {
    server: Option<Server>,
    port: u16,
    tls_port: Option<u16>,
    options: Vec<String>,
    // Dropped last.
    folder: TempDir,
}

impl RedisServer {
    /// Starts a server.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// Starts a server with more options of `redis-server`.
    pub fn start_with(options: &[&str]) -> Self {
        let options = options.iter().map(ToString::to_string).collect();
        Self::start_in(
            tempfile::tempdir().expect("a temporary folder"),
            options,
            None,
        )
    }

    /// Starts a server that speaks TLS on a second port, with a certificate of a private authority.
    pub fn start_with_tls() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        make_certificates(&folder);
        let file = |name: &str| folder.path().join(name).display().to_string();
        let tls_port = free_port();
        let options = [
            ["--tls-port", &tls_port.to_string()],
            ["--tls-cert-file", &file("server.crt")],
            ["--tls-key-file", &file("server.key")],
            ["--tls-ca-cert-file", &file("ca.crt")],
            ["--tls-auth-clients", "no"],
        ];
        let options = options
            .as_flattened()
            .iter()
            .map(ToString::to_string)
            .collect();
        Self::start_in(folder, options, Some(tls_port))
    }

    fn start_in(folder: TempDir, options: Vec<String>, tls_port: Option<u16>) -> Self {
        let mut server = RedisServer {
            server: None,
            port: free_port(),
            tls_port,
            options,
            folder,
        };
        for _ in 0..STARTS_MAX {
            if server.try_start() {
                return server;
            }
            server.port = free_port();
        }
        panic!("Redis does not start: {}", server.log());
    }

    /// Starts a server that was killed, on its port and files.
    pub fn start_again(&mut self) {
        assert!(
            self.try_start(),
            "Redis does not start again: {}",
            self.log()
        );
    }

    fn try_start(&mut self) -> bool {
        let program = find_program("redis-server", &[])
            .expect("`redis-server` is needed in PATH; install the package `redis-server`");
        let folder = self.folder.path();
        let mut command = command_as(None, &program);
        command.args(["--port", &self.port.to_string(), "--bind", "127.0.0.1"]);
        command.arg("--dir").arg(folder);
        command.args(["--appendonly", "yes", "--save", ""]);
        command.args(&self.options);
        self.server = Server::start(&mut command, folder, || self.answers());
        self.server.is_some()
    }

    /// Whether it answers and has read its files.
    fn answers(&self) -> bool {
        let answer = ask(self.port, b"PING\r\n");
        answer.starts_with(b"+PONG") || answer.starts_with(b"-NOAUTH")
    }

    fn log(&self) -> String {
        log_in(self.folder.path())
    }

    /// Ends the server without giving it time for anything.
    pub fn kill(&mut self) {
        if let Some(server) = self.server.take() {
            server.end(Signal::KILL);
        }
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

    /// The port for connections without TLS.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where the server is.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Where a server started with TLS speaks it.
    pub fn tls_url(&self) -> String {
        let port = self.tls_port.expect("the server was started with TLS");
        format!("rediss://localhost:{port}")
    }

    /// The certificate of the authority behind a server started with TLS.
    pub fn ca_file(&self) -> PathBuf {
        self.folder.path().join("ca.crt")
    }
}

/// An authority, and a server certificate for `localhost` from it.
fn make_certificates(folder: &TempDir) {
    let openssl = |arguments: &str| {
        let mut command = Command::new("openssl");
        command
            .args(arguments.split(' '))
            .current_dir(folder.path());
        run(command.stdin(Stdio::null()));
    };
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -noenc";
    openssl(&format!(
        "req -x509 {key} -keyout ca.key -out ca.crt -days 2 -subj /CN=test-authority"
    ));
    openssl(&format!(
        "req {key} -keyout server.key -out server.csr -subj /CN=localhost"
    ));
    std::fs::write(
        folder.path().join("names"),
        "subjectAltName=DNS:localhost,IP:127.0.0.1",
    )
    .expect("a file in a new folder");
    openssl(
        "x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile names -out server.crt",
    );
}

/// A part of a server that nobody else writes to: keys with a prefix of their own.
#[derive(Debug)]
pub struct TestRedis {
    url: String,
    prefix: String,
    _server: Option<RedisServer>,
}

impl TestRedis {
    /// A fresh part of the server of [`SHARED_SERVER_VARIABLE`], or else a server of its own.
    pub fn fresh() -> Self {
        let prefix = format!("test:{}:", unique());
        match std::env::var(SHARED_SERVER_VARIABLE) {
            Ok(url) if !url.is_empty() => TestRedis {
                url,
                prefix,
                _server: None,
            },
            _ => {
                let server = RedisServer::start();
                let url = server.url();
                TestRedis {
                    url,
                    prefix,
                    _server: Some(server),
                }
            }
        }
    }

    /// A fresh part when [`STORES_VARIABLE`] asks for Redis: for suites that run on either store.
    pub fn if_asked_for() -> Option<Self> {
        let stores = std::env::var(STORES_VARIABLE).unwrap_or_default();
        stores.ends_with("+redis").then(TestRedis::fresh)
    }

    /// Where the server is.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What every key must begin with.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }
}
