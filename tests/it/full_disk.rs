//! A disk that is full takes neither the summary nor the verdict with it.

use std::ffi::OsStr;
use std::fs;
use std::process::Command;

use crate::echo::Echo;
use crate::support::{Program, Run};

/// Blocks of 512 bytes (some shells: 1024) that a file may have: room for what is written before the load, not for what is
/// measured.
const FILE_BLOCKS_MAX: u32 = 16;

/// Enough steps that a second of them does not fit.
fn scenario() -> String {
    let steps: String = (0..12)
        .map(|n| format!("      - get: /step/{n}\n"))
        .collect();
    format!(
        "name: full
load: {{ model: open, phases: [{{ name: steady, for: 4s, rate: 10/s }}] }}
journeys:
  - name: look
    steps:
{steps}"
    )
}

/// `loadgen` in a shell that lets no file grow beyond the bound: a write then fails as it does on a full disk, also for root.
fn with_small_files<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new("sh");
    let script = format!("trap '' XFSZ; ulimit -f {FILE_BLOCKS_MAX}; exec \"$@\"");
    command
        .args(["-c", &script, "sh", env!("CARGO_BIN_EXE_loadgen")])
        .args(arguments);
    command
}

#[test]
fn what_was_measured_is_told_when_it_cannot_be_kept() {
    let echo = Echo::start();
    let run = Run::of(&scenario()).with(&["--target", &echo.url()]);
    let ended = Program::spawn(with_small_files(run.arguments())).wait();
    assert_eq!(ended.code(), 4, "{}{}", ended.out, ended.err);
    for told in [
        "INVALID",
        "windows.jsonl",
        "--out DIR",
        "accounting",
        "40 planned",
        "GET /step/11",
    ] {
        assert!(ended.out.contains(told), "no '{told}':\n{}", ended.out);
    }
    // When it happens, while the load goes on, and at the end by name.
    let lines: Vec<&str> = ended.err.lines().collect();
    let place = |what: &str| {
        let found = lines.iter().position(|line| line.contains(what));
        found.unwrap_or_else(|| panic!("no '{what}':\n{}", ended.err))
    };
    let told = place("cannot be written any more");
    let progress = lines.iter().rposition(|line| line.starts_with('{'));
    assert!(Some(told) < progress, "{}", ended.err);
    assert!(told < place("run.json was not kept"));
    let folder = run.run_folder();
    let log = fs::read_to_string(folder.join("loadgen.log")).expect("the log");
    assert!(log.contains("windows.jsonl cannot be written"), "{log}");
    assert!(!folder.join("run.json").exists());
    assert!(folder.join("begun.json").exists());
    let leftovers = fs::read_dir(folder).expect("the folder");
    for entry in leftovers {
        let name = entry.expect("an entry").file_name();
        assert!(!name.to_string_lossy().ends_with("partial"), "{name:?}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_summary_that_standard_output_does_not_take_goes_to_standard_error() {
    let echo = Echo::start();
    let run = Run::of(
        "name: short
load: { model: one-by-one, journeys: 1 }
journeys: [{ name: look, steps: [{ get: /page }] }]
",
    )
    .with(&["--target", &echo.url()]);
    let mut command = Command::new("sh");
    command
        .args([
            "-c",
            "exec \"$@\" > /dev/full",
            "sh",
            env!("CARGO_BIN_EXE_loadgen"),
        ])
        .args(run.arguments());
    let ended = Program::spawn(command).wait();
    assert!([1, 4].contains(&ended.code()), "{}", ended.err);
    assert!(
        ended.err.contains("standard output cannot be written"),
        "{}",
        ended.err
    );
    assert!(ended.err.contains("accounting"), "{}", ended.err);
    assert!(run.run_folder().join("run.json").exists());
}

/// Requests as `import curl` takes them, so many that the scenario is larger than a file may be.
fn many_requests() -> String {
    let page = |n| format!("curl http://shop.test/page/{n}\n");
    (0..400).map(page).collect()
}

#[test]
fn a_file_that_is_replaced_stays_whole_when_the_new_one_does_not_fit() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    fs::write(path("requests.sh"), many_requests()).expect("requests");
    fs::write(path("kept"), "what was there before").expect("a file");
    let echo = Echo::start();
    let run = Run::of(&scenario()).with(&["--target", &echo.url(), "--duration", "1s"]);
    run.finish();
    let (run, kept, requests) = (run.run_folder(), path("kept"), path("requests.sh"));
    let run = run.to_str().expect("UTF-8");
    for arguments in [
        &["report", run, "--html", "--out", &kept][..],
        &["import", "curl", &requests, "--output", &kept, "--force"],
    ] {
        let ended = Program::spawn(with_small_files(arguments)).wait();
        assert_ne!(ended.code(), 0, "{arguments:?}: {}", ended.err);
        let words = ["large", "write"];
        assert!(
            words.iter().any(|word| ended.err.contains(word)),
            "{}",
            ended.err
        );
        let left = fs::read_to_string(&kept).expect("it is there");
        assert_eq!(left, "what was there before", "{arguments:?}");
        let files = fs::read_dir(&folder).expect("the folder").count();
        assert_eq!(files, 2, "{arguments:?} leaves something beside it");
    }
}
