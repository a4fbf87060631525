//! Processes, a project folder, and just enough HTTP to change an org behind the tool's back.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

/// Keys that must never be seen.
pub(crate) const API_KEY: &str = "api0000000000000000000000secret1";
pub(crate) const APP_KEY: &str = "app00000000000000000000000000000000secret2";

/// A running stand-in.
pub(crate) struct StandIn {
    child: Child,
    pub(crate) url: String,
    data: TempDir,
}

impl StandIn {
    pub(crate) fn start() -> Self {
        Self::on(TempDir::new().expect("a folder"))
    }

    /// On a state that exists already.
    pub(crate) fn on(data: TempDir) -> Self {
        let (child, url) = spawn(data.path());
        Self { child, url, data }
    }

    /// Ends the process and starts another one on the same state.
    pub(crate) fn restart(&mut self) {
        end(&mut self.child);
        (self.child, self.url) = spawn(self.data.path());
    }

    /// A copy of the state, to begin from more than once.
    pub(crate) fn copy(&self) -> TempDir {
        let copy = TempDir::new().expect("a folder");
        copy_folder(self.data.path(), copy.path());
        copy
    }

    pub(crate) fn call(&self, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
        call(
            &self.url,
            method,
            path,
            body,
            &[("DD-API-KEY", API_KEY), ("DD-APPLICATION-KEY", APP_KEY)],
        )
    }

    pub(crate) fn get(&self, path: &str) -> Value {
        let (status, body) = self.call("GET", path, None);
        assert_eq!(status, 200, "GET {path}: {body}");
        body
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Value {
        let (status, answer) = self.call("POST", path, Some(body));
        assert_eq!(status, 200, "POST {path}: {answer}\n{body:#}");
        answer
    }

    pub(crate) fn put(&self, path: &str, body: &Value) -> Value {
        let (status, answer) = self.call("PUT", path, Some(body));
        assert_eq!(status, 200, "PUT {path}: {answer}\n{body:#}");
        answer
    }

    pub(crate) fn faults(&self, faults: &Value) {
        self.put("/_control/faults", faults);
    }

    /// Limits that a test in a hurry does not meet.
    pub(crate) fn lift_limits(&self) {
        let wide = json!({ "requests": 1_000_000, "period_s": 1 });
        let names = [
            "monitor_list",
            "monitor_read",
            "monitor_write",
            "slo_read",
            "slo_write",
            "dashboard_list",
            "dashboard_read",
            "dashboard_write",
        ];
        let limits: Value = names
            .iter()
            .map(|name| ((*name).to_owned(), wide.clone()))
            .collect();
        self.put("/_control/limits", &limits);
    }

    pub(crate) fn count(&self, name: &str) -> u64 {
        self.get("/_control/counts")[name]
            .as_u64()
            .expect("a count")
    }

    /// Every object of every kind, dashboards whole.
    pub(crate) fn everything(&self) -> Vec<(&'static str, Value)> {
        let mut all = Vec::new();
        let list = |value: Value| value.as_array().cloned().unwrap_or_default();
        all.extend(
            list(self.get("/api/v1/monitor"))
                .into_iter()
                .map(|one| ("monitor", one)),
        );
        all.extend(
            list(self.get("/api/v1/slo")["data"].take())
                .into_iter()
                .map(|one| ("slo", one)),
        );
        for listed in list(self.get("/api/v1/dashboard?count=1000")["dashboards"].take()) {
            let id = listed["id"].as_str().expect("an id");
            all.push(("dashboard", self.get(&format!("/api/v1/dashboard/{id}"))));
        }
        all
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

fn spawn(data: &Path) -> (Child, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_monitors"))
        .args(["stand-in", "--port", "0", "--data"])
        .arg(data)
        .stdout(Stdio::piped())
        .spawn()
        .expect("the stand-in starts");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("its output"))
        .read_line(&mut line)
        .expect("a line");
    (child, line.trim().to_owned())
}

fn end(child: &mut Child) {
    // It may have ended by itself; then there is nothing to end.
    let _ = child.kill();
    let _ = child.wait();
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let path = entry.expect("an entry").path();
        let target = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copy_folder(&path, &target);
        } else {
            std::fs::copy(&path, &target).expect("a copy");
        }
    }
}

/// One request on a connection of its own.
pub(crate) fn call(
    url: &str,
    method: &str,
    path: &str,
    body: Option<&Value>,
    headers: &[(&str, &str)],
) -> (u16, Value) {
    let body = body.map(Value::to_string).unwrap_or_default();
    let host = url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(host).expect("a connection");
    let headers: String = headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{headers}Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).expect("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|code| code.parse().ok())
        .expect("a status");
    (status, serde_json::from_str(body).unwrap_or(Value::Null))
}

/// What a run of `monitors` gave.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Run {
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}\n{}", self.out, self.err);
        self
    }
}

/// A folder with definitions.
pub(crate) struct Project(TempDir);

impl Project {
    pub(crate) fn new(files: &[(&str, String)]) -> Self {
        let project = Self(TempDir::new().expect("a folder"));
        project.write(files);
        project
    }

    pub(crate) fn write(&self, files: &[(&str, String)]) {
        for (path, text) in files {
            let path = self.0.path().join(path);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            std::fs::write(path, text).expect("a file");
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// The command, ready to run.
    pub(crate) fn command(&self, url: &str, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_monitors"));
        command
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command.current_dir(self.path()).env_clear();
        command
            .env("DD_API_KEY", API_KEY)
            .env("DD_APP_KEY", APP_KEY)
            // No test can reach the real API, whatever it forgets: nothing listens on port 1.
            .env("DD_API_URL", "http://127.0.0.1:1");
        if !url.is_empty() && !matches!(args[0], "check" | "fmt" | "schema") {
            command.args(["--api-url", url]);
        }
        command
    }

    /// Runs a command; whatever it says, it must not say the keys.
    pub(crate) fn run(&self, url: &str, args: &[&str]) -> Run {
        let output = self.command(url, args).output().expect("the command runs");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
        let run = Run {
            code: output.status.code(),
            out: text(output.stdout),
            err: text(output.stderr),
        };
        for key in [API_KEY, APP_KEY] {
            assert!(
                !run.out.contains(key) && !run.err.contains(key),
                "a key was shown by {args:?}"
            );
        }
        run
    }

    #[track_caller]
    pub(crate) fn apply(&self, org: &StandIn) -> Run {
        self.run(&org.url, &["apply", "--yes"]).exits(0)
    }

    #[track_caller]
    pub(crate) fn plan(&self, org: &StandIn) -> Value {
        let run = self.run(&org.url, &["plan", "--format", "json"]).exits(0);
        serde_json::from_str(&run.out).expect("a plan")
    }

    #[track_caller]
    pub(crate) fn assert_no_changes(&self, org: &StandIn) {
        let plan = self.plan(org);
        assert_eq!(plan["plan"]["operations"], json!([]), "{plan:#}");
    }
}
