//! A run of one input in a folder of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use loadgen::report::RunReport;
use tempfile::TempDir;

use super::server::answer;
use crate::echo::{Echo, Recorded};
use crate::support::{Ended, Program, assert_adds_up, code_of, errors, read_report};

/// One of the inputs, in a folder with all of them.
pub(super) struct Try {
    folder: TempDir,
    name: &'static str,
    environment: Vec<(&'static str, &'static str)>,
}

/// How it went.
pub(super) struct Tried {
    pub(super) ended: Ended,
    pub(super) seen: Vec<Recorded>,
    /// The folder in which it ran; the run's own is `runs/…` in it.
    folder: TempDir,
}

impl Try {
    pub(super) fn of(name: &'static str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let inputs = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tries");
        for input in fs::read_dir(inputs).expect("the inputs") {
            let input = input.expect("an entry");
            fs::copy(input.path(), folder.path().join(input.file_name())).expect("a copy");
        }
        let environment = Vec::new();
        Self {
            folder,
            name,
            environment,
        }
    }

    /// As whoever reads what was said would write it then.
    pub(super) fn remedied(self, was: &str, is: &str) -> Self {
        let file = self.folder.path().join(self.name);
        let text = fs::read_to_string(&file).expect("the input");
        assert!(text.contains(was), "{was} in {text}");
        fs::write(file, text.replace(was, is)).expect("the input");
        self
    }

    pub(super) fn with_file(self, name: &str, bytes: &[u8]) -> Self {
        fs::write(self.folder.path().join(name), bytes).expect("a file");
        self
    }

    pub(super) fn with_variable(mut self, name: &'static str, value: &'static str) -> Self {
        self.environment.push((name, value));
        self
    }

    pub(super) fn run(self) -> Tried {
        let echo = Echo::answering(answer);
        let mut command = Command::new(env!("CARGO_BIN_EXE_loadgen"));
        let scenario = format!("./{}", self.name);
        command
            .args(["run", &scenario, "--target", &echo.url(), "--out", "runs"])
            .args(["--progress", "json"])
            .env_remove("API_TOKEN")
            .envs(self.environment)
            .current_dir(self.folder.path());
        let ended = Program::spawn(command).wait();
        ended.code();
        Tried {
            ended,
            seen: echo.seen(),
            folder: self.folder,
        }
    }
}

impl Tried {
    pub(super) fn run_folder(&self) -> PathBuf {
        let mut runs = fs::read_dir(self.folder.path().join("runs")).expect("a run");
        runs.next().expect("a run").expect("an entry").path()
    }

    pub(super) fn report(&self) -> RunReport {
        read_report(&self.run_folder())
    }

    /// Everything that was planned went well, and is in the record.
    pub(super) fn went_well(self) -> Self {
        let said = format!("{}{}", self.ended.out, self.ended.err);
        assert_ne!(self.ended.code(), 2, "{said}");
        let report = self.report();
        assert_eq!(self.ended.code(), code_of(&report), "{said}");
        assert!(errors(&report).is_empty(), "{said}");
        assert_adds_up(&report);
        assert_eq!(report.accounting.completed, report.accounting.planned);
        self
    }

    /// It was not begun, and these words say why and what to do.
    pub(super) fn is_refused(&self, words: &[&str]) {
        // Lines are broken, and frames drawn, to the width of a terminal.
        let said = self.ended.err.replace(['│', '|', '\n'], " ");
        let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(self.ended.code(), 2, "{said}");
        for words in words {
            assert!(said.contains(words), "{words}: {said}");
        }
        assert!(self.seen.is_empty());
    }

    pub(super) fn paths(&self) -> Vec<&str> {
        self.seen.iter().map(|sent| sent.path.as_str()).collect()
    }

    pub(super) fn last(&self) -> &Recorded {
        self.seen.last().expect("a request")
    }
}
