//! The program behind `scripts/test`: it tells where its servers are, and ends them with its standard input.

use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::process::{Command, Stdio};

#[test]
fn servers_live_as_long_as_standard_input() {
    let mut program = Command::new(env!("CARGO_BIN_EXE_test-servers"))
        .arg("redis")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let said = BufReader::new(program.stdout.take().expect("piped"));
    let lines: Vec<_> = said
        .lines()
        .map(|line| line.expect("text"))
        .take_while(|line| !line.is_empty())
        .collect();
    let [line] = &lines[..] else {
        panic!("{lines:?}");
    };
    let address = line
        .strip_prefix("TEST_REDIS_URL=redis://")
        .unwrap_or_else(|| panic!("{line}"));
    TcpStream::connect(address).expect("the server listens");
    drop(program.stdin.take());
    assert!(program.wait().expect("it ends").success());
    TcpStream::connect(address).expect_err("nobody listens any more");
}

#[test]
fn what_it_does_not_know_it_refuses() {
    for arguments in [&[][..], &["mongo"]] {
        let output = Command::new(env!("CARGO_BIN_EXE_test-servers"))
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .expect("it runs");
        assert!(!output.status.success(), "{arguments:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("usage"));
    }
}
