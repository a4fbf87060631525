//! Values go out as they are written: what YAML, JSON or CSV would make of them is asked only where a type is needed.

use std::fs;

use crate::echo::{Echo, Recorded};
use crate::support::{Run, errors};
use crate::targets::Hostile;

/// What a target sees of a scenario's one journey.
fn sent(scenario: &str, more: &[&str]) -> Vec<Recorded> {
    let echo = Echo::start();
    let run = Run::of(scenario).with(&["--target", &echo.url()]);
    let (_, report) = run.with(more).finish();
    assert!(errors(&report).is_empty(), "{:?}", errors(&report));
    echo.seen()
}

fn journey(head: &str, steps: &str) -> String {
    format!(
        "name: written
load: {{ model: one-by-one, journeys: 1 }}
{head}journeys: [{{ name: j, steps: [{steps}] }}]
"
    )
}

#[test]
fn headers_and_forms_carry_what_is_written() {
    let step = "{ post: /echo, headers: { api-version: 1.10, x-date: 2024-01-01, x-zip: 01234, x-flag: yes, x-true: True, x-exp: 1e3, \
        x-hex: 0x1F, x-big: 12345678901234567890, x-null: 'null', x-space:  2.0  },
        form: { zip: 01234, version: 1.10, big: 12345678901234567890, t: 12:30:45, plus: +5, f: False } }";
    let seen = sent(&journey("", step), &[]);
    for (name, value) in [
        ("api-version", "1.10"),
        ("x-date", "2024-01-01"),
        ("x-zip", "01234"),
        ("x-flag", "yes"),
        ("x-true", "True"),
        ("x-exp", "1e3"),
        ("x-hex", "0x1F"),
        ("x-big", "12345678901234567890"),
        ("x-null", "null"),
        ("x-space", "2.0"),
    ] {
        assert_eq!(seen[0].header(name), Some(value));
    }
    assert_eq!(
        seen[0].body,
        "zip=01234&version=1.10&big=12345678901234567890&t=12%3A30%3A45&plus=%2B5&f=False"
    );
}

#[test]
fn json_numbers_keep_their_digits() {
    let step = "{ post: /echo, json: { zip: '01234', v: 1.10, big: 12345678901234567890, b: true, n: null, f: 1.0, s: '1.10', \
        deep: [{ e: 1e25 }, *number] } }";
    let head = "variables: { anchored: &number 2.50 }\n";
    assert_eq!(
        sent(&journey(head, step), &[])[0].body,
        r#"{"zip":"01234","v":1.10,"big":12345678901234567890,"b":true,"n":null,"f":1.0,"s":"1.10","deep":[{"e":1e25},2.50]}"#
    );
}

#[test]
fn variables_keep_text_and_type() {
    let head =
        "variables: { version: 1.10, zip: 01234, big: 12345678901234567890, ok: true, quoted: '5' }
personas: [{ name: p, set: { count: 5, lead: 007 } }]
";
    let steps = "{ set: { v2: 2.50 } },
      { post: /form, form: { v: '${version}', z: '${zip}', b: '${big}', c: '${count}', l: '${lead}', v2: '${v2}' } },
      { post: /json, json: { v: '${version}', z: '${zip}', b: '${big}', c: '${count}', o: '${ok}', q: '${quoted}' } }";
    let seen = sent(&journey(head, steps), &[]);
    assert_eq!(
        seen[0].body,
        "v=1.10&z=01234&b=12345678901234567890&c=5&l=007&v2=2.50"
    );
    assert_eq!(
        seen[1].body,
        r#"{"v":1.10,"z":"01234","b":12345678901234567890,"c":5,"o":true,"q":"5"}"#
    );
}

#[test]
fn what_is_set_by_flag_is_what_was_typed() {
    let head = "variables: { a: '', b: '', c: '', d: '', e: '', f: '', g: '' }\n";
    let step = "{ post: /json, json: { a: '${a}', b: '${b}', c: '${c}', d: '${d}', e: '${e}', f: '${f}', g: '${g}' } }";
    let set = [
        "a=1.10",
        "b=007",
        "c=one #two",
        "d=key: value",
        "e=null",
        "variables.f=[1]",
        "g='5'",
    ];
    let flags: Vec<&str> = set.iter().flat_map(|set| ["--set", set]).collect();
    assert_eq!(
        sent(&journey(head, step), &flags)[0].body,
        r#"{"a":1.10,"b":"007","c":"one #two","d":"key: value","e":"null","f":"[1]","g":"5"}"#
    );
}

#[test]
fn rows_of_json_keep_their_types_and_rows_of_csv_their_text() {
    let echo = Echo::start();
    let scenario = journey(
        "feeders: { u: { file: u.jsonl }, c: { file: c.csv } }\n",
        "{ post: /j, json: { n: '${u.name}', qty: '${u.qty}', ok: '${u.ok}', v: '${u.v}', none: '${u.none}', tags: '${u.tags}' } },
         { post: /c, json: { id: '${c.id}', text: '${c.text}', bare: '${c.bare}' } }",
    );
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).expect("a file");
        path.to_str().expect("UTF-8").to_owned()
    };
    // The mark that some programs put in front.
    write(
        "u.jsonl",
        "\u{feff}{\"name\":\"x\",\"qty\":3,\"ok\":true,\"v\":1.10,\"none\":null,\"tags\":[1, \"b\"]}\n",
    );
    write("c.csv", "\u{feff}id,text,bare\n0042,\" a b \", c \n");
    let path = write("scenario.yaml", &scenario);
    let out = folder.path().join("runs");
    let arguments = ["run", &path, "--target", &echo.url(), "--out"];
    let arguments = arguments.into_iter().chain([out.to_str().expect("UTF-8")]);
    let ended = crate::support::Program::start(arguments).wait();
    assert_ne!(ended.code(), 2, "{}", ended.err);
    let seen = echo.seen();
    assert_eq!(
        seen[0].body,
        r#"{"n":"x","qty":3,"ok":true,"v":1.10,"none":null,"tags":[1,"b"]}"#
    );
    assert_eq!(seen[1].body, r#"{"id":"0042","text":" a b ","bare":"c"}"#);
}

/// A target that always answers with this JSON.
fn answering(body: &'static str) -> Hostile {
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    Hostile::start(move |victim| victim.answer_always(answer.as_bytes()))
}

#[test]
fn numbers_of_an_answer_keep_every_digit() {
    let target = answering(
        "{\"snow\":1954120123456789012,\"u64\":18446744073709551615,\"dec\":10.10,\"f\":1.0,\"e\":1e25,\"list\":[ 1.10 ]}",
    );
    let steps = format!(
        "{{ get: '{}/', extract: {{ snow: /snow, u: /u64, dec: /dec, f: /f, e: /e, list: /list }} }},
         {{ post: '/echo?t=${{snow}}', json: {{ u: '${{u}}', dec: '${{dec}}', f: '${{f}}', e: '${{e}}', list: '${{list}}' }} }}",
        target.url()
    );
    let seen = sent(&journey("", &steps), &[]);
    assert_eq!(seen[0].path, "/echo?t=1954120123456789012");
    assert_eq!(
        seen[0].body,
        r#"{"u":18446744073709551615,"dec":10.10,"f":1.0,"e":1e25,"list":[1.10]}"#
    );
}

#[test]
fn checks_compare_every_digit() {
    let target = answering("{\"snow\":1954120123456789012,\"dec\":10.10}");
    let check = |of: &str| {
        let step = format!("{{ get: /, check: {{ json: {of} }} }}");
        let run = Run::of(&journey("", &step)).with(&["--target", &target.url()]);
        errors(&run.finish().1).is_empty()
    };
    assert!(check("{ /snow: 1954120123456789012, /dec: 10.1 }"));
    assert!(check("{ /snow: 1954120123456789012.0, /dec: '10.10' }"));
    assert!(!check("{ /snow: 1954120123456789013 }"));
    assert!(!check("{ /dec: 10.11 }"));
}

#[test]
fn values_may_stand_in_the_keys_of_bodies() {
    let head = "variables: { key: 'a\"b&c' }\n";
    let steps = "{ post: /json, json: { '${key}': 1, 'x-${key}': { '${key}': 2 }, '$${key}': 3 } },
         { post: /form, form: { '${key}[]': 1, plain: 2 } }";
    let seen = sent(&journey(head, steps), &[]);
    assert_eq!(
        seen[0].body,
        r#"{"a\"b&c":1,"x-a\"b&c":{"a\"b&c":2},"${key}":3}"#
    );
    assert_eq!(seen[1].body, "a%22b%26c%5B%5D=1&plain=2");
}

/// All values of a header, in their order.
fn values<'r>(request: &'r Recorded, name: &str) -> Vec<&'r str> {
    let named = request.headers.iter().filter(|(known, _)| known == name);
    named.map(|(_, value)| value.as_str()).collect()
}

#[test]
fn a_header_with_several_values_is_sent_several_times() {
    let head = "http: { headers: { x-tag: [common, more], accept: text/html } }\n";
    let steps =
        "{ get: /own, headers: { x-tag: [1.10, two], user-agent: [me] } }, { get: /common }";
    let seen = sent(&journey(head, steps), &[]);
    assert_eq!(values(&seen[0], "x-tag"), ["1.10", "two"]);
    assert_eq!(values(&seen[0], "user-agent"), ["me"]);
    assert_eq!(values(&seen[1], "x-tag"), ["common", "more"]);
    assert_eq!(values(&seen[1], "accept"), ["text/html"]);
}

/// What a target sees of one request that is made of flags.
fn sent_by_flags(folder: &std::path::Path, flags: &[&str]) -> Recorded {
    let echo = Echo::start();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_loadgen"));
    command
        .args(["run", "--url", &format!("{}/echo", echo.url())])
        .args(["--rate", "2/s", "--duration", "1s", "--progress", "none"])
        .args(flags)
        .current_dir(folder);
    let ended = crate::support::Program::spawn(command).wait();
    assert_ne!(ended.code(), 2, "{}", ended.err);
    echo.seen().remove(0)
}

#[test]
fn flags_give_headers_twice_and_bodies_from_files() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("order.json"), "{\"a\": \"${b}\"}\n").expect("a file");
    let flags = ["--header", "x-a: 1", "--header", "X-A: 2", "--body"];
    let with = |body| sent_by_flags(folder.path(), &[&flags[..], &[body]].concat());
    let from_file = with("@order.json");
    assert_eq!(values(&from_file, "x-a"), ["1", "2"]);
    assert_eq!(from_file.body, "{\"a\": \"${b}\"}\n");
    assert_eq!(from_file.header("content-type"), Some("application/json"));
    assert_eq!(with("@@home").body, "@home");
}
