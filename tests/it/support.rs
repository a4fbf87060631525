//! What the tests share: programs that cannot outlive a test, run folders, bounded waiting.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use loadgen::report::RunReport;
use tempfile::TempDir;

/// Nothing here takes so long, not even on a busy machine; it only keeps a broken test from hanging.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// How often a wait looks again.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Looks until there is something to see.
pub(crate) fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begin = Instant::now();
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(begin.elapsed() < PATIENCE, "waited in vain: {what}");
        std::thread::sleep(LOOK_EVERY);
    }
}

/// A running `loadgen`; dropped, it is killed.
pub(crate) struct Program {
    child: Child,
    folder: TempDir,
}

/// How a program ended, and what it wrote.
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ended {
    /// The exit code; the program must not have died of a signal, nor of a panic.
    pub(crate) fn code(&self) -> i32 {
        assert!(
            !self.err.contains("panicked"),
            "loadgen panicked:\n{}",
            self.err
        );
        self.status
            .code()
            .unwrap_or_else(|| panic!("{}:\n{}", self.status, self.err))
    }
}

impl Program {
    /// Starts `loadgen` with these arguments; what it writes goes to files, so that it never waits for a reader.
    pub(crate) fn start<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_loadgen"));
        command.args(arguments);
        Self::spawn(command)
    }

    /// Starts any command in the same way.
    pub(crate) fn spawn(mut command: Command) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let file = |name: &str| File::create(folder.path().join(name)).expect("a file");
        let child = command
            .stdin(Stdio::null())
            .stdout(file("out"))
            .stderr(file("err"))
            .spawn()
            .expect("the program starts");
        Self { child, folder }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// What it has written to standard error.
    pub(crate) fn err(&self) -> String {
        fs::read_to_string(self.folder.path().join("err")).unwrap_or_default()
    }

    /// Waits until it has written `text` to standard error.
    pub(crate) fn says(&mut self, text: &str) {
        eventually(&format!("'{text}' on standard error"), || {
            if self.err().contains(text) {
                return Some(());
            }
            let ended = self.child.try_wait().expect("a child can be waited for");
            assert!(
                ended.is_none(),
                "{ended:?} before '{text}':\n{}",
                self.err()
            );
            None
        });
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let id = i32::try_from(self.id()).expect("a process id");
        let id = rustix::process::Pid::from_raw(id).expect("a process id");
        rustix::process::kill_process(id, signal).expect("the process is there");
    }

    /// Waits for its end.
    pub(crate) fn wait(self) -> Ended {
        self.wait_within(PATIENCE)
    }

    /// Waits for an end that may take longer than others.
    pub(crate) fn wait_within(mut self, patience: Duration) -> Ended {
        let begin = Instant::now();
        let status = loop {
            let ended = self.child.try_wait().expect("a child can be waited for");
            if let Some(status) = ended {
                break status;
            }
            assert!(
                begin.elapsed() < patience,
                "it does not end; it said:\n{}",
                self.err()
            );
            std::thread::sleep(LOOK_EVERY);
        };
        Ended {
            status,
            out: fs::read_to_string(self.folder.path().join("out")).unwrap_or_default(),
            err: self.err(),
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One run of a scenario text against a target, in a folder of its own.
pub(crate) struct Run {
    folder: TempDir,
    arguments: Vec<String>,
}

impl Run {
    /// A run of this scenario text.
    pub(crate) fn of(scenario: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("scenario.yaml");
        fs::write(&file, scenario).expect("a scenario");
        Self::new(folder, file.to_str().expect("UTF-8"))
    }

    /// A run of a built-in scenario.
    pub(crate) fn built_in(name: &str) -> Self {
        Self::new(tempfile::tempdir().expect("a folder"), name)
    }

    /// A run of a scenario file, where it stands.
    pub(crate) fn of_file(file: &Path) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        Self::new(folder, file.to_str().expect("UTF-8"))
    }

    fn new(folder: TempDir, scenario: &str) -> Self {
        let out = folder.path().join("runs");
        let out = out.to_str().expect("UTF-8");
        let arguments = ["run", scenario, "--progress", "json", "--out", out];
        Self {
            arguments: arguments.map(str::to_owned).into(),
            folder,
        }
    }

    /// More arguments.
    pub(crate) fn with(mut self, arguments: &[&str]) -> Self {
        self.arguments
            .extend(arguments.iter().map(|argument| (*argument).to_owned()));
        self
    }

    /// Everything after `loadgen`.
    pub(crate) fn arguments(&self) -> &[String] {
        &self.arguments
    }

    /// Starts it.
    pub(crate) fn start(&self) -> Program {
        Program::start(&self.arguments)
    }

    /// Makes it, to its end.
    pub(crate) fn finish(&self) -> (Ended, RunReport) {
        let ended = self.start().wait();
        ended.code();
        let report = self.report();
        (ended, report)
    }

    /// The only run folder, as soon as it is there.
    pub(crate) fn try_run_folder(&self) -> Option<PathBuf> {
        let entries = fs::read_dir(self.folder.path().join("runs")).ok()?;
        entries.flatten().next().map(|entry| entry.path())
    }

    /// The only run folder.
    pub(crate) fn run_folder(&self) -> PathBuf {
        let mut found: Vec<PathBuf> = fs::read_dir(self.folder.path().join("runs"))
            .expect("a folder of runs")
            .map(|entry| entry.expect("an entry").path())
            .collect();
        assert_eq!(found.len(), 1, "{found:?}");
        found.remove(0)
    }

    /// Its `run.json`.
    pub(crate) fn report(&self) -> RunReport {
        read_report(&self.run_folder())
    }
}

/// The `run.json` of a folder.
pub(crate) fn read_report(folder: &Path) -> RunReport {
    let text = fs::read_to_string(folder.join("run.json")).expect("run.json");
    serde_json::from_str(&text).expect("run.json has its shape")
}

/// Errors of all steps by kind.
pub(crate) fn errors(report: &RunReport) -> std::collections::BTreeMap<String, u64> {
    let mut sum = std::collections::BTreeMap::new();
    for (kind, count) in report.steps.iter().flat_map(|step| &step.errors) {
        *sum.entry(kind.clone()).or_default() += count;
    }
    sum
}

/// The exit code that follows from what `run.json` says. A busy machine may make any run invalid, which no test can prevent,
/// but the code must agree with the record.
pub(crate) fn code_of(report: &RunReport) -> i32 {
    let verdict = &report.verdict;
    match (report.interrupted.as_deref(), verdict.valid, verdict.passed) {
        (Some("SIGTERM"), ..) => 143,
        (Some(_), ..) => 130,
        (None, false, _) => 4,
        (None, true, _) if verdict.nothing_succeeded.is_some() => 5,
        (None, true, Some(false)) => 3,
        (None, true, _) => 0,
    }
}

/// planned = completed + failed + timed out + in flight + dropped.
pub(crate) fn assert_adds_up(report: &RunReport) {
    let sums = &report.accounting;
    let dropped: u64 = sums.dropped.values().sum();
    let ended = sums.completed + sums.failed + sums.timed_out + sums.in_flight;
    assert_eq!(sums.planned, ended + dropped, "{sums:?}");
}
