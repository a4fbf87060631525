//! Functions of values: what they make, where they may stand, and that what is made of a secret is one.

use std::fs;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use time::OffsetDateTime;
use time::format_description::well_known::{Rfc2822, Rfc3339};

use crate::echo::{Echo, Recorded};
use crate::support::{Program, Run, errors};

/// What a target sees of a scenario's one journey.
fn sent(head: &str, steps: &str) -> Vec<Recorded> {
    let echo = Echo::start();
    let scenario = format!(
        "name: functions
load: {{ model: one-by-one, journeys: 1 }}
{head}journeys: [{{ name: j, steps: [{steps}] }}]
"
    );
    let (_, report) = Run::of(&scenario).with(&["--target", &echo.url()]).finish();
    assert!(errors(&report).is_empty(), "{:?}", errors(&report));
    echo.seen()
}

fn body(request: &Recorded) -> serde_json::Value {
    serde_json::from_str(&request.body).expect("JSON")
}

fn seconds_now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.expect("after 1970").as_secs() as i64
}

#[test]
fn now_is_the_time_at_which_a_request_is_made() {
    let before = seconds_now();
    let steps = r#"{ post: /a, headers: { date: "${now(http)}" }, json: { at: "${now}", epoch: "${timestamp}", unix: "${now(unix)}",
            ms: "${now(unix_ms)}", mail: "${now(rfc2822)}", day: '${now("%Y-%m-%d")}', later: "${now(unix, +2d)}", sooner: "${now(-15m, unix)}",
            named: "${now(rfc3339)}", quoted: '${now("%H:%M", "+1h")}', epoch-of-pattern: '${now("%s")}' } }"#;
    let seen = sent("", steps);
    let after = seconds_now();
    let body = body(&seen[0]);
    let text = |key: &str| {
        body[key]
            .as_str()
            .unwrap_or_else(|| panic!("{key}: {body}"))
            .to_owned()
    };
    let near = |seconds: i64| (before..=after).contains(&seconds);
    let rfc3339 = |text: &str| OffsetDateTime::parse(text, &Rfc3339).expect("a time");
    assert!(near(rfc3339(&text("at")).unix_timestamp()), "{body}");
    assert!(text("at").ends_with('Z') && text("at").len() == "2026-11-27T09:00:00.000Z".len());
    assert_eq!(text("named").len(), text("at").len());
    let number = |key: &str| {
        body[key]
            .as_i64()
            .unwrap_or_else(|| panic!("{key}: {body}"))
    };
    assert!(
        near(number("epoch")) && near(number("unix")) && near(number("ms") / 1000),
        "{body}"
    );
    assert!(
        near(number("later") - 2 * 86_400) && near(number("sooner") + 15 * 60),
        "{body}"
    );
    let mail = OffsetDateTime::parse(&text("mail"), &Rfc2822).expect("a time");
    assert!(near(mail.unix_timestamp()));
    assert!(near(text("epoch-of-pattern").parse().expect("a number")));
    assert!(
        text("day").starts_with("20") && text("day").len() == 10,
        "{body}"
    );
    assert_eq!(text("quoted").len(), 5);
    let date = seen[0].header("date").expect("a date").to_owned();
    assert!(
        date.ends_with(" GMT") && date.len() == "Sun, 06 Nov 1994 08:49:37 GMT".len(),
        "{date}"
    );
}

#[test]
fn a_variable_goes_before_the_time_of_its_name() {
    let seen = sent(
        "variables: { timestamp: mine }\n",
        r#"{ post: /a, json: { at: "${timestamp}" } }"#,
    );
    assert_eq!(seen[0].body, r#"{"at":"mine"}"#);
}

#[test]
fn functions_take_values_texts_and_each_other() {
    let head = "variables: { user: me, note: \"a<b & 'c'\", n: 5 }\n";
    let steps = r#"{ post: '/a/${url(note)}?b=${url(note)}&c=${note}&d=${url(url("/"))}', headers: { x-basic: '${base64("${user}:p(a)s,s")}', x-note: "${url(note)}" },
            json: { html: "${html(note)}", b64: "${base64url(note)}", sha: "${sha256(n)}", sha64: "${sha256(n, base64)}", long: "${sha512('')}",
              hmac: '${hmac(sha256, "Jefe", "what do ya want for nothing?")}', of: "${hmac(sha256, user, base64(note), base64url)}",
              deep: '${base64("x${base64("y${user}")}")}', in: "it is ${base64(user)}." } },
        { post: /form, form: { a: "${url(note)}", b: "${html(note)}" } },
        { set: { kept: "${sha256(user)}" } },
        { when: "kept is ${sha256(user)}", then: [{ get: /same }] }"#;
    let seen = sent(head, steps);
    let encoded = "a%3Cb%20%26%20%27c%27";
    assert_eq!(
        seen[0].path,
        format!("/a/{encoded}?b={encoded}&c={encoded}&d=%252F")
    );
    assert_eq!(seen[0].header("x-basic"), Some("bWU6cChhKXMscw=="));
    assert_eq!(seen[0].header("x-note"), Some(encoded));
    let body = body(&seen[0]);
    for (key, value) in [
        ("html", "a&lt;b &amp; &#x27;c&#x27;"),
        ("b64", "YTxiICYgJ2Mn"),
        (
            "sha",
            "ef2d127de37b942baad06145e54b0c619a1f22327b2ebbcfbec78f5564afe39d",
        ),
        ("sha64", "7y0SfeN7lCuq0GFF5UsMYZofIjJ7LrvPvsePVWSv450="),
        (
            "hmac",
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        ),
        ("deep", "eGVXMWw="),
        ("in", "it is bWU=."),
    ] {
        assert_eq!(body[key], value, "{key}");
    }
    assert!(
        body["long"]
            .as_str()
            .is_some_and(|long| long.starts_with("cf83e1357eefb8bd"))
    );
    assert_eq!(body["of"].as_str().map(str::len), Some(43));
    assert_eq!(
        seen[1].body,
        format!("a={encoded}&b=a%26lt%3Bb%20%26amp%3B%20%26%23x27%3Bc%26%23x27%3B")
    );
    assert_eq!(seen[2].path, "/same");
}

#[test]
fn what_is_made_of_a_secret_is_hidden() {
    let echo = Echo::start();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("scenario.yaml");
    let scenario = r#"name: signed
load: { model: one-by-one, journeys: 1 }
variables: { how: key-in-a-variable }
journeys:
  - name: j
    steps:
      - set: { seal: "${hmac(sha256, how, 'set')}" }
      - post: /a
        headers:
          x-one: "${hmac(sha256, 'key-in-the-file', session)}"
          x-two: "${hmac(sha256, how, session, base64)}"
          x-three: "${sha256(env.OF_THE_ENVIRONMENT)}"
          x-four: "${base64(person.password)}"
          x-five: "${seal}"
          x-open: "${sha256(session)}"
        check: { status: 500 }
"#;
    fs::write(&file, scenario).expect("a scenario");
    let out = folder.path().join("runs");
    let mut command = Command::new(env!("CARGO_BIN_EXE_loadgen"));
    command
        .args([
            "run",
            file.to_str().expect("UTF-8"),
            "--target",
            &echo.url(),
        ])
        .args(["--out", out.to_str().expect("UTF-8")])
        .env("OF_THE_ENVIRONMENT", "value-of-the-environment");
    let ended = Program::spawn(command).wait();
    ended.code();
    let seen = echo.seen().remove(0);
    let mut said = ended.out + &ended.err;
    for run in fs::read_dir(&out).expect("runs").flatten() {
        for file in fs::read_dir(run.path()).expect("a run").flatten() {
            said += &String::from_utf8_lossy(&fs::read(file.path()).expect("a file"));
        }
    }
    let header = |name: &str| seen.header(name).expect("a header").to_owned();
    for name in ["x-one", "x-two", "x-three", "x-four", "x-five"] {
        assert!(!said.contains(&header(name)), "{name}");
    }
    assert!(said.contains(&header("x-open")), "of no secret");
    for key in [
        "key-in-the-file",
        "key-in-a-variable",
        "value-of-the-environment",
    ] {
        assert!(!said.contains(key), "{key}");
    }
}

#[test]
fn texts_that_grow_are_bounded() {
    let echo = Echo::start();
    let (part, all) = ("<".repeat(10_000), "${part}".repeat(100));
    let scenario = format!(
        "name: growing
load: {{ model: one-by-one, journeys: 1 }}
variables: {{ part: \"{part}\" }}
journeys: [{{ name: j, steps: [{{ set: {{ big: \"{all}\" }} }}, {{ post: /a, content-type: text/plain, body: \"${{url(url(url(url(url(html(big))))))}}\" }}] }}]
"
    );
    let (_, report) = Run::of(&scenario).with(&["--target", &echo.url()]).finish();
    assert_eq!(
        errors(&report).keys().collect::<Vec<_>>(),
        ["value_too_large"]
    );
    assert!(echo.seen().is_empty());
}
