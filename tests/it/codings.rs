//! Compressed answers, as a browser asks for and reads them.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::echo::Echo;
use crate::support::{Run, errors};
use crate::targets::Hostile;

/// A target that always answers with this JSON, compressed.
fn compressing(body: &[u8]) -> Hostile {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(body).expect("memory");
    let body = encoder.finish().expect("memory");
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let answer = [head.into_bytes(), body].concat();
    Hostile::start(move |victim| victim.answer_always(&answer))
}

fn scenario(http: &str, step: &str) -> String {
    format!(
        "name: codings
load: {{ model: one-by-one, journeys: 2 }}
{http}journeys: [{{ name: j, steps: [{step}] }}]
"
    )
}

#[test]
fn a_compressed_answer_is_checked_and_extracted_from() {
    let body = format!("{{\"token\":\"abc123\",\"pad\":\"{}\"}}", "x".repeat(5_000));
    let target = compressing(body.as_bytes());
    let step = "{ get: /gzip, headers: { accept-encoding: gzip }, check: { json: { /token: abc123 }, contains: token }, extract: { token: /token } }";
    let run = Run::of(&scenario("", step)).with(&["--target", &target.url()]);
    let (_, report) = run.finish();
    assert!(errors(&report).is_empty(), "{:?}", errors(&report));
    let step = &report.steps[0];
    assert_eq!(step.decoded_bytes, 2 * body.len() as u64);
    assert!(step.bytes < 500, "{}", step.bytes);
}

#[test]
fn a_few_bytes_that_become_many_are_too_many() {
    let target = compressing(&vec![b' '; 4 << 20]);
    let http = "http: { body-max: 1 MiB }\n";
    let run = Run::of(&scenario(http, "{ get: / }")).with(&["--target", &target.url()]);
    let errors = errors(&run.finish().1);
    assert_eq!(errors.into_keys().collect::<Vec<_>>(), ["body_too_large"]);
}

#[test]
fn shoppers_take_what_browsers_take_unless_told_otherwise() {
    let echo = Echo::start();
    let steps = "{ get: /a }, { get: /b, headers: { accept-encoding: identity } }";
    Run::of(&scenario("", steps))
        .with(&["--target", &echo.url()])
        .finish();
    let seen = echo.seen();
    let said: Vec<_> = seen
        .iter()
        .map(|sent| sent.header("accept-encoding"))
        .collect();
    assert_eq!(
        said[..2],
        [Some("gzip, deflate, br, zstd"), Some("identity")]
    );
}
