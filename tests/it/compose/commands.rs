//! The commands for people: the generator of credentials and the `Makefile`.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use super::files::read;
use super::tool::credentials;

/// Names and values.
fn values(text: &str) -> Vec<(String, String)> {
    let lines = text.lines().filter(|l| !l.starts_with('#'));
    let pairs = lines.filter_map(|line| line.split_once('='));
    pairs
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

fn names(values: &[(String, String)]) -> Vec<&str> {
    values.iter().map(|(name, _)| name.as_str()).collect()
}

/// The values that are 32 random bytes in hexadecimal digits.
fn secrets(values: &[(String, String)]) -> BTreeSet<String> {
    let is_secret = |v: &&String| v.len() == 64 && v.bytes().all(|b| b.is_ascii_hexdigit());
    let values = values.iter().map(|(_, value)| value);
    values.filter(is_secret).cloned().collect()
}

/// A file that the generator writes, and what the generator printed so far.
struct Made {
    flags: &'static [&'static str],
    file: PathBuf,
    printed: String,
}

impl Made {
    /// Runs the generator; its exit code and what the file then holds, for its owner alone.
    fn run(&mut self, more: &[&str]) -> (Option<i32>, Vec<(String, String)>) {
        let path = self.file.to_str().expect("a path");
        let output = credentials(&[self.flags, &["--output", path], more].concat());
        let printed = [output.stdout, output.stderr].concat();
        self.printed += &String::from_utf8_lossy(&printed);
        let mode = fs::metadata(&self.file)
            .expect("the file")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        (output.status.code(), values(&read(path)))
    }
}

fn are_strong_and_never_shown(flags: &'static [&'static str], template: &str, count: usize) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut made = Made {
        flags,
        file: folder.path().join("values"),
        printed: String::new(),
    };
    let (code, first) = made.run(&[]);
    assert_eq!(code, Some(0));
    assert_eq!(names(&first), names(&values(&read(template))));
    assert_eq!(secrets(&first).len(), count, "each is another one");

    let (code, same) = made.run(&[]);
    assert_eq!(
        (code, &same),
        (Some(1), &first),
        "nothing is overwritten unasked"
    );
    assert!(made.printed.contains("--force"));

    let own = fs::read_to_string(&made.file).expect("the file");
    fs::write(
        &made.file,
        own.replace("\nDD_API_KEY=\n", "\nDD_API_KEY=mine\n"),
    )
    .expect("a file");
    let (code, second) = made.run(&["--force"]);
    assert_eq!(code, Some(0));
    assert!(second.contains(&("DD_API_KEY".to_owned(), "mine".to_owned())));
    assert_eq!(secrets(&second).len(), count);
    assert!(secrets(&second).is_disjoint(&secrets(&first)));

    let mut all = secrets(&first).into_iter().chain(secrets(&second));
    assert!(all.all(|secret| !made.printed.contains(&secret)));
    let left = fs::read_dir(folder.path()).expect("the folder").count();
    assert_eq!(left, 1, "no draft is left behind");
}

#[test]
fn credentials_are_strong_private_and_never_shown() {
    are_strong_and_never_shown(&[], "compose/.env.example", 11);
    are_strong_and_never_shown(&["--aws"], "compose/.env.aws.example", 6);
    assert_eq!(credentials(&["--loud"]).status.code(), Some(2));
}

fn make(arguments: &[&str]) -> (bool, String) {
    let output = Command::new("make")
        .args(["--no-print-directory", "COMPOSE=echo compose"])
        .args(arguments)
        .output();
    let output = output.expect("make");
    let text = [output.stdout, output.stderr].concat();
    (
        output.status.success(),
        String::from_utf8_lossy(&text).into_owned(),
    )
}

#[test]
fn make_lists_its_targets_and_removes_no_data_unasked() {
    let makefile = read("Makefile");
    let targets = makefile.lines().filter_map(|l| l.strip_prefix(".PHONY: "));
    let (_, help) = make(&[]);
    for target in targets.filter(|target| !target.contains("$(") && *target != "confirm") {
        assert!(
            help.contains(&format!("\n  {target} ")),
            "{target} is missing in:\n{help}"
        );
    }
    for target in ["db-reset", "clean-volumes", "clean-all"] {
        let (done, words) = make(&[target]);
        assert!(
            !done && words.contains("CONFIRM=yes") && !words.contains("compose -f"),
            "{words}"
        );
        assert!(
            make(&["--dry-run", target, "CONFIRM=yes"])
                .1
                .contains("--volumes")
        );
    }
    let (_, production) = make(&["--dry-run", "--assume-old=compose/.env", "prod-up"]);
    assert!(production.contains("up --build") && !production.contains("compose.dev.yaml"));
    assert!(
        make(&["--dry-run", "dev-up"])
            .1
            .contains("compose.dev.yaml")
    );
    assert!(make(&["shell-orders"]).1.contains("exec orders sh"));
}
