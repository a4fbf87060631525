//! The live view on a real terminal (`script` makes one): it draws, obeys keys, and gives the terminal back.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};

use crate::echo::Echo;
use crate::support::{eventually, read_report};

/// What a terminal is told when the view takes it over, and when it gives it back.
const TAKEN: &str = "\u{1b}[?1049h";
const GIVEN_BACK: &str = "\u{1b}[?1049l";

/// A program on a terminal of its own; dropped, it is killed.
struct OnTerminal {
    child: Child,
    keys: Option<ChildStdin>,
    folder: tempfile::TempDir,
}

impl OnTerminal {
    /// Starts `loadgen` with these arguments; `None` where there is no `script` to make a terminal.
    fn start(arguments: &str) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder");
        let command = format!(
            "stty rows 30 cols 100; exec '{}' {arguments} --out '{}'",
            env!("CARGO_BIN_EXE_loadgen"),
            folder.path().join("runs").display()
        );
        let mut child = Command::new("script")
            .args(["--quiet", "--flush", "--return", "--command", &command])
            .arg(folder.path().join("screen"))
            .env("TERM", "xterm-256color")
            .env_remove("NO_COLOR")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let keys = child.stdin.take();
        Some(Self {
            child,
            keys,
            folder,
        })
    }

    fn screen(&self) -> String {
        let bytes = fs::read(self.folder.path().join("screen")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    fn shows(&self, text: &str) {
        eventually(&format!("'{text}' on the screen"), || {
            self.screen().contains(text).then_some(())
        });
    }

    fn press(&mut self, keys: &str) {
        let input = self.keys.as_mut().expect("keys can be pressed");
        input.write_all(keys.as_bytes()).expect("a key");
        input.flush().expect("a key");
    }

    fn wait(&mut self) -> ExitStatus {
        eventually("the end of the run", || {
            self.child.try_wait().expect("a child can be waited for")
        })
    }

    fn run_folder(&self) -> PathBuf {
        let runs: &Path = &self.folder.path().join("runs");
        let mut entries = fs::read_dir(runs).expect("runs");
        entries.next().expect("a run").expect("a run").path()
    }
}

impl Drop for OnTerminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn keys_change_the_rate_and_stop_the_run_and_the_terminal_is_given_back() {
    let echo = Echo::start();
    let arguments = format!(
        "run --url {}/ --rate 20/s --duration 1h --tui always",
        echo.url()
    );
    let Some(mut view) = OnTerminal::start(&arguments) else {
        return;
    };
    view.shows(TAKEN);
    view.shows("heat map");
    view.press("+");
    view.shows("×1.10");
    view.press("q");
    let status = view.wait();
    let screen = view.screen();
    assert_eq!(status.code(), Some(130), "{screen}");
    let (_, after) = screen
        .rsplit_once(GIVEN_BACK)
        .expect("the terminal is given back");
    assert!(
        after.contains("accounting"),
        "the summary follows:\n{after}"
    );
    let report = read_report(&view.run_folder());
    assert_eq!(report.rate_changes.len(), 1);
    assert!((report.rate_changes[0].factor - 1.1).abs() < 1e-9);
    assert_eq!(report.interrupted.as_deref(), Some("key q"));
    assert!(!view.run_folder().join("live.json").exists());
}

#[test]
fn a_terminal_that_is_closed_takes_nothing_with_it() {
    let echo = Echo::start();
    let arguments = format!(
        "run --url {}/ --rate 20/s --duration 1h --tui always",
        echo.url()
    );
    let Some(mut view) = OnTerminal::start(&arguments) else {
        return;
    };
    view.shows("heat map");
    // Whoever held the other end of the terminal is gone, and with it the terminal.
    view.child.kill().expect("it is there");
    let folder = view.run_folder();
    eventually("the record", || {
        folder.join("run.json").exists().then_some(())
    });
    assert_eq!(read_report(&folder).interrupted.as_deref(), Some("SIGHUP"));
    let log = fs::read_to_string(folder.join("loadgen.log")).expect("a log");
    assert!(!log.contains("panicked"), "{log}");
}

#[test]
fn without_a_terminal_the_view_is_refused_before_anything_is_sent() {
    let echo = Echo::start();
    let folder = tempfile::tempdir().expect("a folder");
    let output = Command::new(env!("CARGO_BIN_EXE_loadgen"))
        .args([
            "run",
            "--url",
            &echo.url(),
            "--rate",
            "5/s",
            "--duration",
            "1s",
        ])
        .args(["--tui", "always", "--out"])
        .arg(folder.path())
        .stdin(Stdio::null())
        .output()
        .expect("loadgen starts");
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{err}");
    assert!(err.contains("--tui always needs a terminal"), "{err}");
    assert!(echo.seen().is_empty());
}
