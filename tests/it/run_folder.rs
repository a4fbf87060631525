//! A run folder that cannot be written is said before the load starts.

use std::fs;
use std::process::Command;

use crate::echo::Echo;
use crate::support::{Ended, Program};

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
