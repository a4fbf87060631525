//! A run folder that cannot be written is said before the load starts; one that fails later makes the run invalid. And
//! everything else that is wrong before the load starts.

use std::fs;
use std::process::Command;

use crate::echo::Echo;
use crate::support::{Ended, Program, Run};

/// `loadgen run` with this place for its run folders.
fn arguments(echo: &Echo, out: &str) -> Vec<String> {
    let url = format!("{}/", echo.url());
    let line = [
        "run",
        "--url",
        &url,
        "--rate",
        "10/s",
        "--duration",
        "2s",
        "--out",
        out,
    ];
    line.map(str::to_owned).into()
}

fn assert_refused(echo: &Echo, ended: &Ended, out: &str, why: &str) {
    assert_eq!(ended.code(), 1, "{}", ended.err);
    assert!(
        ended.err.starts_with("error: cannot write the run folder"),
        "{}",
        ended.err
    );
    for part in [out, why, "choose another place with --out DIR"] {
        assert!(ended.err.contains(part), "no '{part}' in {}", ended.err);
    }
    assert_eq!(echo.seen(), []);
}

#[test]
fn a_file_in_the_way() {
    let echo = Echo::start();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("file");
    fs::write(&file, "in the way").expect("a file");
    let out = file.join("runs");
    let out = out.to_str().expect("UTF-8");
    let ended = Program::start(arguments(&echo, out)).wait();
    assert_refused(&echo, &ended, out, "Not a directory");
}

#[test]
fn a_place_where_nobody_may_write() {
    let echo = Echo::start();
    // Not even the superuser can make folders there.
    let ended = Program::start(arguments(&echo, "/proc/runs")).wait();
    assert_refused(&echo, &ended, "/proc/runs", "os error");
}

/// In a mount namespace of its own, so that nothing has to be cleaned up; without the right to make one there is no test.
#[test]
fn a_full_disk() {
    let own_namespace = ["--mount", "--map-root-user"];
    let script = "mount -t tmpfs -o size=1m tmpfs \"$0\" && exec \"$@\"";
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().to_str().expect("UTF-8");
    let within = |program: &str, arguments: &[String]| {
        let mut command = Command::new("unshare");
        command
            .args(own_namespace)
            .args(["sh", "-c", script, out, program])
            .args(arguments);
        command
    };
    let allowed = within("true", &[]).output();
    if !allowed.is_ok_and(|probe| probe.status.success()) {
        eprintln!("SKIPPED a_full_disk: this user may not mount a small disk");
        return;
    }
    let echo = Echo::start();
    let loadgen = env!("CARGO_BIN_EXE_loadgen");
    let ended = Program::spawn(within(loadgen, &arguments(&echo, out))).wait();
    assert_refused(&echo, &ended, out, "only 1 MiB are free on that disk");
}

/// The system refuses more than so much in one file; the load goes on, but the record is not what it seems.
#[test]
fn a_run_folder_that_fails_later_makes_the_run_invalid() {
    let echo = Echo::start();
    let scenario = format!(
        "name: wordy
load: {{ model: closed, shoppers: 1, journeys: 1200 }}
http: {{ timeout: 60s }}
journeys: [{{ name: buy, steps: [{{ get: /a, promise: {{ kind: order, text: {} }} }}] }}]
",
        "x".repeat(600)
    );
    let run = Run::of(&scenario).with(&["--target", &echo.url(), "--workers", "1"]);
    let mut command = Command::new("sh");
    command
        // 256 blocks are 128 KiB in one shell and 256 KiB in another; the promises need 700.
        .args(["-c", "trap '' XFSZ; ulimit -f 256; exec \"$0\" \"$@\""])
        .arg(env!("CARGO_BIN_EXE_loadgen"))
        .args(run.arguments());
    let ended = Program::spawn(command).wait();
    assert_eq!(ended.code(), 4, "{}\n{}", ended.out, ended.err);
    assert!(
        ended.out.contains("the run folder is incomplete"),
        "{}",
        ended.out
    );
    let report = run.report();
    assert_eq!(report.accounting.completed, 1200, "the load itself went on");
    assert!(!report.verdict.valid);
}

#[test]
fn a_shop_that_does_not_start_is_said_with_its_last_words() {
    let run = Run::built_in("smoke");
    let mut command = Command::new(env!("CARGO_BIN_EXE_loadgen"));
    command
        .args(run.arguments())
        .env("PASSWORD_COST", "free of charge");
    let ended = Program::spawn(command).wait();
    assert_eq!(ended.code(), 1, "{}", ended.err);
    assert!(
        ended.err.contains("the embedded shop ended at once"),
        "{}",
        ended.err
    );
    assert!(ended.err.contains("--password-cost"), "{}", ended.err);
}

#[test]
fn wrong_flags_are_exit_code_2_and_leave_no_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("runs");
    let out = out.to_str().expect("UTF-8");
    for (flags, says) in [
        (vec!["no-such-scenario"], "there is no scenario"),
        (vec!["smoke", "--target", "ftp://x"], "use http or https"),
        (vec!["smoke", "--segment", "4/3"], "such as 2/8"),
        (vec!["smoke", "--segment", "0/3"], "such as 2/8"),
        (vec!["smoke", "--threshold", "p99 is nice"], "p99"),
        (vec!["smoke", "--workers", "0"], "--workers"),
        (vec!["--url", "http://127.0.0.1:1/"], "--rate 500/s"),
        (
            vec!["--url", "not a url", "--connections", "1"],
            "not a url",
        ),
        (vec!["smoke", "--frobnicate"], "--frobnicate"),
    ] {
        let arguments = [&["run"], flags.as_slice(), &["--out", out]].concat();
        let ended = Program::start(arguments).wait();
        assert_eq!(ended.code(), 2, "{flags:?}: {}", ended.err);
        assert!(ended.err.contains(says), "{flags:?}: {}", ended.err);
        assert!(!folder.path().join("runs").exists(), "{flags:?}");
    }
}
