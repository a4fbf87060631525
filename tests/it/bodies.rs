//! Bodies of several parts and of files: every byte as it is, the same in every run, with any method.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::echo::{Echo, Recorded};
use crate::support::Program;

/// Bytes that are no UTF-8.
const PICTURE: &[u8] = b"\x89PNG\r\n\x1a\n\xff\x00";

/// What a target sees of a scenario's one journey; the scenario stands in a folder with a picture and a text.
fn sent(steps: &str) -> Vec<Recorded> {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("cat.png"), PICTURE).expect("a file");
    fs::write(folder.path().join("note.txt"), "Grüße ${uuid}\n").expect("a file");
    let scenario = format!(
        "name: bodies
load: {{ model: one-by-one, journeys: 1 }}
variables: {{ title: 'a cat' }}
journeys: [{{ name: j, steps: [{steps}] }}]
"
    );
    fs::write(folder.path().join("scenario.yaml"), scenario).expect("a scenario");
    let echo = Echo::start();
    let ended = run(folder.path(), "run", &["--target", &echo.url()]);
    assert_ne!(ended.code(), 2, "{}", ended.err);
    echo.seen()
}

fn run(folder: &Path, command: &str, more: &[&str]) -> crate::support::Ended {
    let mut program = Command::new(env!("CARGO_BIN_EXE_loadgen"));
    program
        .args([command, "./scenario.yaml"])
        .args(more)
        .current_dir(folder);
    Program::spawn(program).wait()
}

/// Each byte as a character, as the echo keeps what is no UTF-8.
fn characters(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

#[test]
fn a_form_with_files_is_sent_part_by_part() {
    let step = "{ post: /upload, multipart: { title: '${title}', n: 1.10, photo: { file: cat.png, filename: '${title}.png' }, 'the \"note\"': { file: note.txt },
        meta: { json: { of: '${title}', n: 5 } }, plain: { text: '<${title}>', content-type: text/html }, tag: [one, { text: two }] } }";
    let seen = sent(step);
    let kind = seen[0].header("content-type").expect("a content type");
    let boundary = kind
        .strip_prefix("multipart/form-data; boundary=")
        .expect("a boundary");
    assert!(boundary.len() > 20 && boundary.len() <= 70, "{boundary}");
    let part = |head: &str, content: &str| {
        format!("--{boundary}\r\ncontent-disposition: form-data; {head}\r\n\r\n{content}\r\n")
    };
    let expected = [
        part("name=\"title\"", "a cat"),
        part("name=\"n\"", "1.10"),
        part(
            "name=\"photo\"; filename=\"a cat.png\"\r\ncontent-type: image/png",
            &characters(PICTURE),
        ),
        part(
            "name=\"the %22note%22\"; filename=\"note.txt\"\r\ncontent-type: text/plain",
            &characters("Grüße ${uuid}\n".as_bytes()),
        ),
        part(
            "name=\"meta\"\r\ncontent-type: application/json",
            r#"{"of":"a cat","n":5}"#,
        ),
        part("name=\"plain\"\r\ncontent-type: text/html", "<a cat>"),
        part("name=\"tag\"", "one"),
        part("name=\"tag\"", "two"),
        format!("--{boundary}--\r\n"),
    ];
    assert_eq!(seen[0].body, expected.concat());
    assert_eq!(sent(step)[0].body, seen[0].body, "the same in every run");
}

#[test]
fn a_value_cannot_end_the_head_of_its_part() {
    let step = "{ set: { name: \"a\\r\\nx-inj: 1\\\"\" } },
        { post: /upload, multipart: { a: { text: x, filename: '${name}.png' } } }";
    let body = &sent(step)[0].body;
    let head = "name=\"a\"; filename=\"a%0D%0Ax-inj: 1%22.png\"\r\n\r\nx\r\n";
    assert!(body.contains(head), "{body}");
}

#[test]
fn a_file_is_sent_byte_for_byte_by_any_method() {
    let seen = sent(
        "{ put: /picture, content-type: image/png, body: '@cat.png' }, { get: /search, json: { query: { match_all: {} } } },
         { delete: /some, form: { id: 5 } }, { get: /plain }",
    );
    assert_eq!(seen[0].body, characters(PICTURE));
    assert_eq!(seen[0].header("content-type"), Some("image/png"));
    assert_eq!(seen[0].header("content-length"), Some("10"));
    assert_eq!(seen[1].body, r#"{"query":{"match_all":{}}}"#);
    assert_eq!(
        (seen[1].method.as_str(), seen[1].header("content-length")),
        ("GET", Some("26"))
    );
    assert_eq!(
        (seen[2].method.as_str(), seen[2].body.as_str()),
        ("DELETE", "id=5")
    );
    assert_eq!(
        (seen[3].body.as_str(), seen[3].header("content-length")),
        ("", None)
    );
}

#[test]
fn files_that_cannot_be_sent_are_told_with_their_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).expect(name);
    write("large.bin", &vec![b'x'; (16 << 20) + 1]);
    write("half.bin", &vec![b'x'; 9 << 20]);
    write(
        "scenario.yaml",
        b"name: broken
load: { model: one-by-one, journeys: 1 }
journeys:
  - name: j
    steps:
      - post: /a
        multipart: { a: { file: gone.png } }
      - post: /b
        content-type: text/plain
        body: '@large.bin'
      - post: /c
        multipart: { a: { file: half.bin }, b: { file: half.bin } }
      - post: /d
        multipart: { a: { file: half.bin, text: x }, b: { filename: x } }
      - post: /e
        multipart: { a: { file: '${title}.png' }, '${x}': y }
      - post: /f
        multipart: { a: b }
        json: {}
",
    );
    let ended = run(folder.path(), "check", &[]);
    assert_eq!(ended.code(), 2);
    for (line, message) in [
        (
            7,
            "the body's file `gone.png` cannot be sent: there is no such file",
        ),
        (
            10,
            "the body's file `large.bin` cannot be sent: it is larger than 16 MiB",
        ),
        (12, "this body is larger than 16 MiB"),
        (14, "a part takes its content from one source"),
        (18, "one request with both `json` and `multipart`"),
        (16, "the name of a file takes no `${…}`"),
        (16, "a part's name takes no `${…}`"),
    ] {
        assert!(ended.err.contains(message), "{message}: {}", ended.err);
        assert!(
            ended.err.contains(&format!("scenario.yaml:{line}:")),
            "{message}: {}",
            ended.err
        );
    }
}
