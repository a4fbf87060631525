//! `loadgen import`: what it makes of recordings checks, runs, and sends what was recorded.

mod comments;
mod curl;
mod har;
mod openapi;
mod replay;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// What `loadgen` ended with: code, standard output, standard error.
type Ended = (Option<i32>, String, String);

/// A folder with one source in it.
struct Source {
    folder: TempDir,
    file: PathBuf,
}

impl Source {
    fn new(name: &str, text: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join(name);
        fs::write(&file, text).expect("a file");
        Self { folder, file }
    }

    /// Puts a file beside it.
    fn beside(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).expect("a file");
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// `loadgen import KIND FILE …`.
    fn import(&self, kind: &str, more: &[&str]) -> Ended {
        let file = self.file.display().to_string();
        loadgen(&[&["import", kind, &file], more].concat(), &[])
    }

    /// The scenario, imported, checked with this environment and kept as `scenario.yaml`.
    fn checked(&self, kind: &str, more: &[&str], environment: &[(&str, &str)]) -> (String, String) {
        let path = self.path("scenario.yaml");
        let (code, out, err) = self.import(kind, &[&["--output", &path, "--force"], more].concat());
        assert_eq!((code, out.as_str()), (Some(0), ""), "{err}");
        let text = fs::read_to_string(&path).expect("a scenario");
        let (code, _, problems) = loadgen(&["check", &path], environment);
        assert_eq!(code, Some(0), "{problems}\n{text}");
        (text, err)
    }

    /// Runs `scenario.yaml` against a target, each shopper with one connection, so that the order of requests is that of the file;
    /// says what failed.
    fn run(&self, target: &str, environment: &[(&str, &str)]) -> Vec<String> {
        let (path, out) = (self.path("run.yaml"), self.path("runs"));
        let text = fs::read_to_string(self.path("scenario.yaml")).expect("a scenario");
        let one = "connections: { per-shopper: 1 }";
        let text = match text.contains("\nhttp:\n") {
            true => text.replacen("\nhttp:\n", &format!("\nhttp:\n  {one}\n"), 1),
            false => text.replacen(
                "\njourneys:\n",
                &format!("\nhttp: {{ {one} }}\njourneys:\n"),
                1,
            ),
        };
        fs::write(&path, text).expect("a scenario");
        let fixed = [
            "run",
            &path,
            "--target",
            target,
            "--out",
            &out,
            "--progress",
            "json",
        ];
        let (code, _, err) = loadgen(&fixed, environment);
        // A busy machine may make any run invalid.
        assert!(matches!(code, Some(0 | 4)), "{code:?}: {err}");
        let run = fs::read_dir(&out)
            .expect("a run")
            .next()
            .expect("a run")
            .expect("a run");
        let report = crate::support::read_report(&run.path());
        let steps = report.steps.iter().flat_map(|step| {
            let errors = step.errors.keys();
            errors.map(|error| format!("{}: {error}", step.step))
        });
        steps.collect()
    }
}

fn loadgen(arguments: &[&str], environment: &[(&str, &str)]) -> Ended {
    let mut command = Command::new(env!("CARGO_BIN_EXE_loadgen"));
    let output = command
        .args(arguments)
        .envs(environment.iter().copied())
        .output();
    let output = output.expect("loadgen runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8 output");
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

fn fixture(name: &str) -> String {
    fs::read_to_string(Path::new("tests/it/import").join(name)).expect("a fixture")
}

#[test]
fn a_file_is_never_overwritten_by_chance() {
    let source = Source::new("a.har", &fixture("shop.har"));
    let path = source.path("out.yaml");
    fs::write(&path, "mine").expect("a file");
    let (code, _, err) = source.import("har", &["--output", &path]);
    assert_eq!(code, Some(2));
    assert!(err.contains("--force"), "{err}");
    assert_eq!(fs::read_to_string(&path).expect("the file"), "mine");
    let (code, _, _) = source.import("har", &["--output", &path, "--force"]);
    assert_eq!(code, Some(0));
    let (code, out, _) = source.import("har", &[]);
    assert_eq!(
        (code, out),
        (
            Some(0),
            fs::read_to_string(&path)
                .expect("the file")
                .replace("name: out", "name: a")
        )
    );
}

#[test]
fn what_is_no_recording_is_refused_with_a_reason() {
    for (text, reason) in [
        ("{}", "no HAR file"),
        ("not json", "no HAR file"),
        (r#"{"log":{"entries":[]}}"#, "holds no requests"),
        (
            r#"{"log":{"entries":[{"request":{"method":"GET","url":"data:,x"}}]}}"#,
            "`data:` addresses",
        ),
    ] {
        let (code, out, err) = Source::new("x.har", text).import("har", &[]);
        assert_eq!((code, out.as_str()), (Some(2), ""), "{text}");
        assert!(err.contains(reason), "{text}: {err}");
    }
    let (code, _, err) = loadgen(&["import", "har", "/nowhere.har"], &[]);
    assert_eq!(code, Some(2));
    assert!(err.contains("no such file"), "{err}");
}
