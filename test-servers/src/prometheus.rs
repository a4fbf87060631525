//! Prometheus: a private server that scrapes what it is told to, with rules of the caller's.

use std::path::{Path, PathBuf};

use rustix::process::Signal;
use tempfile::TempDir;

use crate::child::{STARTS_MAX, Server, ask, command_as, find_program, free_port, log_in};

/// Names Prometheus' own tool; the server lies beside it.
const TOOL_VARIABLE: &str = "PROMTOOL";

/// A private Prometheus. Ended and removed when dropped.
#[derive(Debug)]
pub struct PrometheusServer {
    server: Option<Server>,
    port: u16,
    // Dropped last.
    folder: TempDir,
}

impl PrometheusServer {
    /// Starts a server that scrapes these addresses (`host:port`) once a second and evaluates the rules of a file as often.
    pub fn start(targets: &[String], rules: &Path) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let listed: Vec<String> = targets.iter().map(|target| format!("'{target}'")).collect();
        let rules = rules.canonicalize().expect("the file of rules");
        let config = format!(
            "global: {{ scrape_interval: 1s, evaluation_interval: 1s }}\n\
             rule_files: ['{}']\n\
             scrape_configs: [{{ job_name: test, static_configs: [{{ targets: [{}] }}] }}]\n",
            rules.display(),
            listed.join(", ")
        );
        std::fs::write(folder.path().join("prometheus.yml"), config).expect("a file");
        let mut prometheus = Self {
            server: None,
            port: free_port(),
            folder,
        };
        for _ in 0..STARTS_MAX {
            if prometheus.try_start() {
                return prometheus;
            }
            prometheus.port = free_port();
        }
        let log = log_in(prometheus.folder.path());
        panic!("Prometheus does not start: {log}");
    }

    fn try_start(&mut self) -> bool {
        let program = find_program("prometheus", &beside_the_tool()).expect(
            "`prometheus` is needed in PATH or beside PROMTOOL; install the package `prometheus`",
        );
        let folder = self.folder.path();
        let mut command = command_as(None, &program);
        command
            .arg(format!(
                "--config.file={}",
                folder.join("prometheus.yml").display()
            ))
            .arg(format!(
                "--storage.tsdb.path={}",
                folder.join("data").display()
            ))
            .arg(format!("--web.listen-address=127.0.0.1:{}", self.port));
        self.server = Server::start(&mut command, folder, || self.answers());
        self.server.is_some()
    }

    fn answers(&self) -> bool {
        let question = b"GET /-/ready HTTP/1.0\r\n\r\n";
        ask(self.port, question)
            .windows(7)
            .any(|at| at == b" 200 OK")
    }

    /// Where its pages and its API are.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

impl Drop for PrometheusServer {
    fn drop(&mut self) {
        if let Some(server) = self.server.take() {
            server.end(Signal::TERM);
        }
    }
}

fn beside_the_tool() -> Vec<PathBuf> {
    let tool = std::env::var_os(TOOL_VARIABLE).map(PathBuf::from);
    tool.and_then(|tool| Some(tool.parent()?.to_owned()))
        .into_iter()
        .collect()
}
