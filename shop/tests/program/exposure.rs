//! What the program refuses to start with, and what it is kept from losing.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use shop::Service;

use super::{Running, shop, wait_for_file};

const STRONG: [&str; 2] = [
    "7d0c5a51b8f3e29407c6d8ab1e3f4590",
    "whsec_kQ2f8Zr1LxV7mPb0TnYcG5sHjD3wAe9u",
];

fn refused(command: &mut Command) -> String {
    let output = Running::start(command).finish();
    assert!(!output.status.success());
    String::from_utf8(output.stderr).unwrap()
}

/// Starts a small shop with these flags and waits until it is ready; returns what its ready file tells, too.
fn start(folder: &Path, more: &[&str], variables: &[(&str, &str)]) -> (Running, Value) {
    let ready = folder.join("ready.json");
    let _ = std::fs::remove_file(&ready);
    let flags = ["--free-ports", "--lifeline", "--products", "5"];
    let mut command = shop(folder, &flags);
    command.args(more).arg("--ready-file").arg(&ready);
    for inherited in ["SHOP_DEMO_ACCOUNT", "DD_ENV"] {
        command.env_remove(inherited);
    }
    let running = Running::start(command.envs(variables.iter().copied()));
    let told = wait_for_file(&ready);
    (running, told)
}

/// Starts a small shop, waits until it is ready, ends it, and returns what it said.
fn run_once(folder: &Path, more: &[&str], variables: &[(&str, &str)]) -> Output {
    let output = start(folder, more, variables).0.finish();
    assert!(output.status.success());
    output
}

#[test]
fn beyond_this_machine_all_that_gives_the_shop_away_is_refused_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let public = |variables: &[(&str, &str)]| {
        let mut command = shop(folder.path(), &["--free-ports", "--bind", "0.0.0.0"]);
        refused(command.envs(variables.iter().copied()))
    };
    let said = public(&[
        ("JWT_SECRET", "x"),
        ("SHOP_AUDIT_TOKEN", "changeme-changeme-changeme-changeme"),
        ("WEBHOOK_SECRET", "0123456789abcdef0123456789abcdef"),
    ]);
    let words = [
        "0.0.0.0",
        "JWT_SECRET is shorter",
        "SHOP_AUDIT_TOKEN is a well-known example",
        "WEBHOOK_SECRET repeats itself",
        "set SHOP_ADMIN_TOKEN",
        "openssl rand -hex 32",
    ];
    for word in words {
        assert!(said.contains(word), "{word}: {said}");
    }
    let said = public(&[("JWT_SECRET", STRONG[0]), ("SHOP_ADMIN_TOKEN", "a")]);
    assert!(said.contains("SHOP_ADMIN_TOKEN is shorter") && !said.contains("JWT_SECRET"));
    assert!(!folder.path().join("data").join("shop.db").exists());
}

#[test]
fn an_empty_secret_is_refused_everywhere_and_a_weak_one_is_warned_of() {
    let folder = tempfile::tempdir().unwrap();
    for name in [
        "JWT_SECRET",
        "SHOP_ADMIN_TOKEN",
        "SHOP_AUDIT_TOKEN",
        "WEBHOOK_SECRET",
    ] {
        let said = refused(shop(folder.path(), &["--free-ports"]).env(name, " "));
        assert!(said.contains(&format!("{name} is empty")), "{said}");
    }
    let output = run_once(
        folder.path(),
        &[],
        &[("JWT_SECRET", "x"), ("SHOP_ADMIN_TOKEN", STRONG[1])],
    );
    let log = String::from_utf8(output.stdout).unwrap();
    assert!(log.contains("JWT_SECRET is shorter"), "{log}");
    assert!(!log.contains("SHOP_ADMIN_TOKEN"), "{log}");
}

#[test]
fn services_that_strangers_can_reach_are_warned_of_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let secrets = [("JWT_SECRET", STRONG[0]), ("SHOP_ADMIN_TOKEN", STRONG[1])];
    let warnings = |more: &[&str]| {
        let flags = [&["--bind", "0.0.0.0"], more].concat();
        let log = run_once(folder.path(), &flags, &secrets).stdout;
        let log = String::from_utf8(log).unwrap();
        let open = |line: &&str| line.contains("listen beyond this machine");
        log.lines()
            .filter(open)
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let whole = warnings(&[]);
    assert_eq!(whole.len(), 1, "{whole:?}");
    for service in Service::all().filter(|service| *service != Service::Gateway) {
        assert!(whole[0].contains(service.name()), "{service:?}: {whole:?}");
    }
    assert_eq!(warnings(&["--service", "gateway"]), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn in_production_nobody_logs_in_with_the_well_known_password_unless_asked_for() {
    for (flags, status) in [
        (&[][..], 200),
        (&["--env", "production"], 401),
        (&["--env", "prod"], 401),
        (&["--env", "production", "--demo-account", "true"], 200),
        (&["--demo-account", "false"], 401),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let (running, told) = start(folder.path(), flags, &[]);
        let auth = told["services"]["auth"].as_str().unwrap();
        let known = json!({"email": "demo@rumshop.com", "password": "password123"});
        let login = reqwest::Client::new().post(format!("{auth}/api/auth/login"));
        let answer = login.json(&known).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "{flags:?}");
        drop(running);
    }
}

#[test]
fn a_full_disk_leaves_no_half_of_a_secret() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let secret = data.join("jwt.secret");
    // A limit of zero bytes for every file is as good as a full disk.
    let full = "trap '' XFSZ; ulimit -f 0; exec \"$0\" serve --free-ports --data \"$1\"";
    let output = Command::new("sh")
        .args(["-c", full, env!("CARGO_BIN_EXE_shop")])
        .arg(&data)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        !output.status.success() && said.contains("jwt.secret"),
        "{said}"
    );
    let left: Vec<_> = std::fs::read_dir(&data).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
    run_once(folder.path(), &[], &[]);
    let made = std::fs::read_to_string(&secret).unwrap();
    assert_eq!(made.len(), 64);

    // What an earlier version left behind: nothing was signed with nothing.
    std::fs::write(&secret, "").unwrap();
    let old = folder.path().join("old");
    std::fs::hard_link(&secret, &old).unwrap();
    let log = String::from_utf8(run_once(folder.path(), &[], &[]).stdout).unwrap();
    assert!(log.contains("secret file is empty"), "{log}");
    let anew = std::fs::read_to_string(&secret).unwrap();
    assert!(anew.len() == 64 && anew != made);
    let old = std::fs::read_to_string(old).unwrap();
    assert_eq!(old, "", "it was written in place, not moved there whole");

    std::fs::write(&secret, &anew[..20]).unwrap();
    let said = refused(&mut shop(folder.path(), &["--free-ports"]));
    assert!(
        said.contains("jwt.secret is damaged") && said.contains("remove it"),
        "{said}"
    );
}

#[test]
fn a_store_that_is_gone_is_not_replaced_by_an_empty_one() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    run_once(folder.path(), &[], &[]);
    for store in ["shop.db", "sessions.db", "queue.db", "provider.db"] {
        let (place, aside) = (data.join(store), folder.path().join(store));
        std::fs::rename(&place, &aside).unwrap();
        for emptied in [false, true] {
            if emptied {
                std::fs::write(&place, "").unwrap();
            }
            let said = refused(&mut shop(folder.path(), &["--free-ports"]));
            assert!(
                said.contains(&format!("has lost {store}")) && said.contains("stores.json"),
                "{said}"
            );
        }
        std::fs::rename(&aside, &place).unwrap();
    }
    run_once(folder.path(), &[], &[]);
    // The remedy for who knows what he does.
    std::fs::remove_file(data.join("queue.db")).unwrap();
    std::fs::remove_file(data.join("stores.json")).unwrap();
    run_once(folder.path(), &[], &[]);
    // A folder without any store is a fresh one.
    for file in std::fs::read_dir(&data).unwrap() {
        let path = file.unwrap().path();
        if path.to_string_lossy().contains(".db") {
            std::fs::remove_file(path).unwrap();
        }
    }
    run_once(folder.path(), &[], &[]);
}

#[test]
fn the_soft_limit_of_descriptors_is_raised() {
    let folder = tempfile::tempdir().unwrap();
    let ready = folder.path().join("ready.json");
    let data = folder.path().join("data");
    let low = "ulimit -S -n 256; exec \"$0\" serve --free-ports --lifeline --products 5 --password-cost 64,1,1 --data \"$1\" --ready-file \"$2\"";
    let mut command = Command::new("sh");
    command
        .args(["-c", low, env!("CARGO_BIN_EXE_shop")])
        .args([&data, &ready])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let running = Running::start(&mut command);
    let told: Value = wait_for_file(&ready);
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", told["pid"])).unwrap();
    let files = limits
        .lines()
        .find(|line| line.starts_with("Max open files"));
    let words: Vec<&str> = files.unwrap().split_whitespace().collect();
    assert_eq!(words[3], words[4], "soft and hard: {words:?}");
    drop(running);
}
