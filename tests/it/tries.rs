//! Small inputs that once went wrong, each as it stood: what is right for it now. They lie in `tests/tries`.

mod input;
mod server;

use std::fs;
use std::path::Path;
use std::time::Duration;

use loadgen::measure::samples::Sample;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::support::{code_of, errors};
use input::{Tried, Try};
use server::{JSON, SLOW};

#[test]
fn cookies_end_and_stand_beside_ones_own() {
    for (name, cookie) in [
        ("cookie-age.yaml", None),
        ("logout-expires.yaml", None),
        ("cookie-header.yaml", Some("consent=yes; sid=s3cr3t")),
    ] {
        let tried = Try::of(name).run().went_well();
        assert_eq!(tried.last().header("cookie"), cookie, "{name}");
    }
}

#[test]
fn what_is_extracted_is_what_the_answer_means() {
    let csrf = Try::of("csrf.yaml").run().went_well();
    assert_eq!(csrf.last().body, "csrf=a%2Bb%3D%26c");
    let gzip = Try::of("gzip.yaml").run().went_well();
    let twice = ["/gzip", "/echo?t=abc123"].repeat(2);
    assert_eq!(gzip.paths(), twice);
    let redirect = Try::of("redirect-utf8.yaml").run().went_well();
    assert_eq!(redirect.paths(), ["/r-utf8", "/caf%C3%A9"]);
}

#[test]
fn values_go_out_as_they_are_written() {
    let vars = Try::of("vars.yaml").run().went_well();
    let form = "v=1.10&z=01234&b=12345678901234567890&c=5&l=007&v2=2.50";
    assert_eq!(vars.last().body, form);
    let types = Try::of("yaml-types.yaml").run().went_well();
    for (name, value) in [
        ("api-version", "1.10"),
        ("x-date", "2024-01-01"),
        ("x-zip", "01234"),
        ("x-flag", "yes"),
        ("x-exp", "1e3"),
        ("x-hex", "0x1F"),
        ("x-big", "12345678901234567890"),
        ("x-null", "null"),
    ] {
        assert_eq!(types.seen[0].header(name), Some(value));
    }
    let form = "zip=01234&version=1.10&big=12345678901234567890&t=12%3A30%3A45";
    assert_eq!(types.seen[0].body, form);
    let body = r#"{"zip":"01234","v":1.10,"big":12345678901234567890,"b":true,"n":null,"f":1.0,"s":"1.10"}"#;
    assert_eq!(types.last().body, body);
}

#[test]
fn rows_keep_their_types_with_and_without_a_mark() {
    let body = r#"{"n":"x","qty":3,"ok":true}"#;
    let rows = Try::of("jsonl-types.yaml").run().went_well();
    assert_eq!(rows.last().body, body);
    let marked = Try::of("jsonl-types.yaml").remedied("v.jsonl", "u.jsonl");
    assert_eq!(marked.run().went_well().last().body, body);
}

#[test]
fn a_feeder_with_semicolons_is_told_and_read() {
    let said = r#"its first line has no comma, but `;` between its names: add `delimiter: ";"`"#;
    Try::of("semi.yaml").run().is_refused(&[said]);
    let remedied = Try::of("semi.yaml").remedied("semi.csv", "semi.csv, delimiter: ';'");
    assert_eq!(remedied.run().went_well().last().body, r#"{"n":"a@b"}"#);
}

#[test]
fn a_wildcard_in_a_pointer_is_told_and_a_path_takes_the_first() {
    let said = "for every item write a JSONPath: `$.items[*].id`";
    Try::of("pick.yaml").run().is_refused(&[said]);
    let remedied = Try::of("pick.yaml").remedied("/items/*/id", "$.items[*].id");
    assert_eq!(remedied.run().went_well().paths(), ["/ids", "/echo?id=7"]);
}

#[test]
fn the_code_of_a_redirect_is_told_to_be_on_the_way() {
    let tried = Try::of("oauth.yaml").run();
    assert_eq!(tried.ended.code(), code_of(&tried.report()));
    let (errors, said) = (errors(&tried.report()), &tried.ended.out);
    assert_eq!(errors.into_keys().collect::<Vec<_>>(), ["extract:code"]);
    let remedy = "got nothing in the last of 2 answers; one on the way is asked with `hop: 1`";
    assert!(said.contains(remedy), "{said}");
    for (instead, body) in [
        (
            "header: location, hop: 1",
            "code=%2Flanding%3Fcode%3Dabc%26state%3D1",
        ),
        ("parameter: code", "code=abc"),
    ] {
        let remedied = Try::of("oauth.yaml").remedied("header: location", instead);
        assert_eq!(remedied.run().went_well().last().body, body);
    }
}

#[test]
fn an_upload_needs_its_file_and_sends_it() {
    let said = "the body's file `cat.png` cannot be sent: there is no such file";
    Try::of("upload.yaml").run().is_refused(&[said]);
    let tried = Try::of("upload.yaml").with_file("cat.png", b"PICTURE");
    let tried = tried.run().went_well();
    let sent = tried.last();
    let kind = sent.header("content-type").expect("a content type");
    let boundary = kind.split("boundary=").nth(1).expect("a boundary");
    let title =
        format!("--{boundary}\r\ncontent-disposition: form-data; name=\"title\"\r\n\r\ncat\r\n");
    let file = format!(
        "--{boundary}\r\ncontent-disposition: form-data; name=\"file\"; filename=\"cat.png\"\r\ncontent-type: image/png\r\n\r\nPICTURE\r\n--{boundary}--\r\n"
    );
    assert_eq!(sent.body, title + &file);
}

#[test]
fn requests_carry_a_host_and_a_body_with_get() {
    let host = Try::of("host.yaml").run().went_well();
    assert_eq!(host.last().header("host"), Some("shop.example"));
    let search = Try::of("getbody.yaml").run().went_well();
    let sent = search.last();
    assert_eq!(sent.method, "GET");
    assert_eq!(sent.body, r#"{"query":{"match_all":{}}}"#);
    assert_eq!(sent.header("content-type"), Some(JSON));
}

#[test]
fn now_is_the_time_in_two_ways() {
    let before = seconds_now();
    let tried = Try::of("now.yaml").run().went_well();
    let body: serde_json::Value = serde_json::from_str(&tried.last().body).expect("JSON");
    let epoch = body["epoch"].as_i64().expect("a whole number");
    assert!((before..=seconds_now()).contains(&epoch), "{body}");
    let text = body["createdAt"].as_str().expect("a text");
    let parsed = OffsetDateTime::parse(text, &Rfc3339).expect("a time");
    assert!((parsed.unix_timestamp() - epoch).abs() <= 1, "{body}");
}

fn seconds_now() -> i64 {
    OffsetDateTime::now_utc().unix_timestamp()
}

#[test]
fn a_variable_of_the_environment_is_sent_and_never_shown() {
    let said = "the environment has no `API_TOKEN`";
    Try::of("env.yaml").run().is_refused(&[said]);
    let token = "tried-3f9a-token";
    let tried = Try::of("env.yaml").with_variable("API_TOKEN", token);
    let tried = tried.run().went_well();
    let bearer = format!("Bearer {token}");
    assert_eq!(tried.last().header("authorization"), Some(&*bearer));
    shows_none(&tried, &[token]);
}

/// Neither what was said nor any file of the run's folder has one of these.
fn shows_none(tried: &Tried, planted: &[&str]) {
    let mut texts = vec![tried.ended.out.clone(), tried.ended.err.clone()];
    for file in fs::read_dir(tried.run_folder()).expect("a run") {
        let bytes = fs::read(file.expect("an entry").path()).expect("a file");
        texts.push(String::from_utf8_lossy(&bytes).into_owned());
    }
    assert!(texts.len() > 4, "{} texts", texts.len());
    for secret in planted {
        assert!(!texts.iter().any(|text| text.contains(secret)), "{secret}");
    }
}

#[test]
fn planted_secrets_are_sent_and_never_shown() {
    let tried = Try::of("secrets.yaml").run().went_well();
    let sent = format!("{:?}", tried.last());
    let planted = [
        "VARTOKENsecret1",
        "QSTOKENsecret2",
        "QKEYsecret3",
        "AUTHsecret4",
        "CKsecret5",
        "XAPIsecret6",
        "IDEMsecret7",
        "XATsecret9",
        "AMZsecret10",
        "PWsecret11",
        "4242424242424242",
        "PINsecret16",
        "IBANsecret18",
        "SSNsecret19",
    ];
    for secret in planted {
        assert!(sent.contains(secret), "{secret}: {sent}");
    }
    shows_none(&tried, &planted);
}

#[test]
fn what_is_prepared_reaches_every_journey_or_stops_the_load() {
    for name in ["setup.yaml", "setup2.yaml"] {
        let tried = Try::of(name).run().went_well();
        let page = "/echo?t=1954120123456789012";
        assert_eq!(tried.paths(), ["/bigint", page, page], "{name}");
    }
    let tried = Try::of("setup3.yaml").run();
    let said = &tried.ended.err;
    assert_eq!(tried.ended.code(), 1, "{said}");
    let why = "expected 5, got 1954120123456789012; the load was not started";
    assert!(said.contains(why), "{said}");
    assert_eq!(tried.paths(), ["/bigint"]);
}

#[test]
fn thresholds_without_figures_do_not_hold() {
    let tried = Try::of("nodata.yaml").run();
    let report = tried.report();
    assert_eq!(tried.ended.code(), code_of(&report));
    assert_eq!(report.verdict.passed, Some(false));
    let held: Vec<bool> = report
        .verdict
        .thresholds
        .iter()
        .map(|one| one.met)
        .collect();
    // A count of nothing is a figure, and a time of nothing is none.
    assert_eq!(held, [false, false, true, false]);
    let said = tried.ended.out.matches("nothing was measured").count();
    assert_eq!(said, 3, "{}", tried.ended.out);
}

#[test]
fn a_crowd_grows_and_holds() {
    let tried = Try::of("closedramp.yaml").run().went_well();
    let report = tried.report();
    assert_eq!(report.generator.shoppers_max, 5);
    let phases: Vec<&str> = report.phases.iter().map(|phase| &*phase.name).collect();
    assert_eq!(phases, ["up", "hold"]);
    assert!(report.accounting.completed > 5);
}

#[test]
fn the_first_arrival_is_not_sent_before_its_time() {
    let tried = Try::of("first-arrival.yaml").run().went_well();
    assert_eq!(tried.seen.len(), 5);
    let samples = fs::read_to_string(tried.run_folder().join("samples.jsonl")).expect("samples");
    for sample in samples.lines() {
        let sample: Sample = serde_json::from_str(sample).expect("a sample");
        let time = Duration::from_micros(sample.response_us());
        // Samples are whole microseconds, rounded down.
        assert!(time >= SLOW - Duration::from_micros(2), "{time:?}");
    }
}

#[test]
fn every_input_is_tried() {
    let inputs = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tries");
    for input in fs::read_dir(inputs).expect("the inputs") {
        let name = input.expect("an entry").file_name();
        let name = name.to_str().expect("UTF-8");
        assert!(include_str!("tries.rs").contains(name), "{name}");
    }
}
