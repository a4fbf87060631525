//! Cookies of a whole run, as a browser keeps and sends them.

use crate::echo::{Echo, Recorded};
use crate::support::{Run, errors};

/// A step that is answered with these headers.
fn answered(with: &[(&str, &str)]) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(with);
    let name = format!("answer {}", with.len());
    format!("{{ get: '/answer?{}', name: {name} }}", query.finish())
}

fn setting(cookie: &str) -> String {
    answered(&[("set-cookie", cookie)])
}

/// What a target sees of one shopper's steps.
fn sent(head: &str, steps: &[String]) -> Vec<Recorded> {
    let echo = Echo::start();
    // The steps are told apart by their answers alone.
    let steps: Vec<String> = (1..)
        .zip(steps)
        .map(|(n, step)| step.replace("name: answer", &format!("name: step {n} answer")))
        .collect();
    let scenario = format!(
        "name: cookies
load: {{ model: one-by-one, journeys: 1 }}
browser: {{ style: off }}
{head}journeys: [{{ name: j, steps: [{}] }}]
",
        steps.join(", ")
    );
    let (_, report) = Run::of(&scenario).with(&["--target", &echo.url()]).finish();
    assert!(errors(&report).is_empty(), "{:?}", errors(&report));
    echo.seen()
}

/// The cookies of the last request after these steps.
fn last(head: &str, mut steps: Vec<String>) -> Option<String> {
    steps.push("{ get: /page }".to_owned());
    let seen = sent(head, &steps);
    let last = seen.last().expect("a request");
    last.header("cookie").map(str::to_owned)
}

#[test]
fn a_date_in_the_past_deletes() {
    let login = setting("sid=s3cr3t; Path=/; HttpOnly");
    assert_eq!(last("", vec![login.clone()]).as_deref(), Some("sid=s3cr3t"));
    let logout = setting("sid=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT");
    assert_eq!(last("", vec![login, logout]), None);
}

#[test]
fn an_age_runs_out() {
    let short = setting("sid=short; Path=/; Max-Age=1");
    assert_eq!(last("", vec![short, "{ think: 1100ms }".to_owned()]), None);
    let long = setting("sid=long; Path=/; Max-Age=600");
    let long = last("", vec![long, "{ think: 10ms }".to_owned()]);
    assert_eq!(long.as_deref(), Some("sid=long"));
}

#[test]
fn a_redirect_deletes_on_its_way_and_for_good() {
    let login = setting("sid=s; Path=/");
    let logout = answered(&[
        ("set-cookie", "sid=; Path=/; Max-Age=0"),
        ("location", "/there"),
    ]);
    let seen = sent("", &[login, logout, "{ get: /page }".to_owned()]);
    let cookies: Vec<_> = seen.iter().map(|sent| sent.header("cookie")).collect();
    assert_eq!(seen[2].path, "/there");
    assert_eq!(cookies, [None, Some("sid=s"), None, None]);
}

#[test]
fn a_path_is_obeyed() {
    let steps = [
        setting("adm=1; Path=/admin"),
        "{ get: /admin/users }".to_owned(),
        "{ get: /page }".to_owned(),
    ];
    let seen = sent("", &steps);
    let cookies: Vec<_> = seen.iter().map(|sent| sent.header("cookie")).collect();
    assert_eq!(cookies, [None, Some("adm=1"), None]);
}

#[test]
fn own_cookies_go_beside_the_jar_and_no_further_than_their_origin() {
    let own = "http: { headers: { cookie: consent=yes } }\n";
    let both = last(own, vec![setting("sid=s; Path=/")]);
    assert_eq!(both.as_deref(), Some("consent=yes; sid=s"));
    let elsewhere = Echo::start();
    let away = answered(&[("location", &elsewhere.url())]);
    sent(own, &[setting("sid=s; Path=/"), away]);
    // Cookies of the jar know no ports; what a step sends is meant for where it goes.
    assert_eq!(elsewhere.seen()[0].header("cookie"), Some("sid=s"));
}

#[test]
fn values_beyond_ascii_come_back_and_can_be_extracted() {
    let extract = setting("name=M\u{fc}ller; Path=/")
        .replace("{ get", "{ extract: { who: { cookie: name } }, get");
    let steps = [extract, "{ get: '/page?who=${who}' }".to_owned()];
    let seen = sent("", &steps);
    assert_eq!(seen[1].header("cookie"), Some("name=M\u{fc}ller"));
    assert_eq!(seen[1].path, "/page?who=M%C3%BCller");
}
