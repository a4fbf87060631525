//! Redirects of a step: followed or not, and what can be taken from the answers on the way.

use crate::echo::{Echo, Recorded};
use crate::support::{Run, errors};

/// Answers with a redirect to the landing page, whose query holds a code.
const LOGIN: &str = "/answer?x-way=one&location=%2Flanding%3Fcode%3Da%2520b%26state%3D1";

/// What a target sees of a scenario's one journey, its errors, and what is said of them.
fn run(head: &str, steps: &str) -> (Vec<Recorded>, Vec<String>, String) {
    let echo = Echo::start();
    let steps = steps.replace("LOGIN", LOGIN);
    let scenario = format!(
        "name: redirects
load: {{ model: one-by-one, journeys: 1 }}
{head}journeys: [{{ name: j, steps: [{steps}] }}]
"
    );
    let (ended, report) = Run::of(&scenario).with(&["--target", &echo.url()]).finish();
    let errors = errors(&report).into_keys().collect();
    (echo.seen(), errors, ended.out)
}

fn paths(seen: &[Recorded]) -> Vec<&str> {
    seen.iter().map(|request| request.path.as_str()).collect()
}

#[test]
fn a_step_says_whether_redirects_are_followed() {
    let landing = "/landing?code=a%20b&state=1";
    let none = run(
        "",
        "{ get: LOGIN, redirects: none, check: { status: 302, redirects: 0 }, extract: { to: { header: location } } }, { get: '${to}' }",
    );
    assert_eq!((paths(&none.0), none.1), (vec![LOGIN, landing], vec![]));
    let follow = run(
        "http: { redirects-max: 0 }\n",
        "{ get: LOGIN, redirects: follow, check: { status: 200, redirects: 1 } }, { get: LOGIN, check: { status: 302 } }",
    );
    assert_eq!(
        (paths(&follow.0), follow.1),
        (vec![LOGIN, landing, LOGIN], vec![])
    );
    let twice = "/answer?location=%2Fanswer%3Flocation%3D%252Fend";
    let most = run(
        "",
        &format!(
            "{{ get: '{twice}', redirects: 2, name: two }}, {{ get: '{twice}', redirects: 1, name: one }}"
        ),
    );
    assert_eq!(most.1, ["too_many_redirects"]);
}

#[test]
fn answers_on_the_way_can_be_taken_from_and_checked() {
    let steps = "{ get: LOGIN,
        extract: { to: { header: location, hop: 1 }, code: { parameter: code }, url: { url: whole }, path: { url: path }, first: { url: path, hop: 1 },
          state: { header: location, hop: 1, regex: 'state=([0-9]+)' }, gone: { header: location, hop: 2, optional: true }, far: { url: whole, hop: 3, optional: true } },
        check: [{ hop: 1, status: 302, header: { x-way: one }, url: { contains: /answer } }, { hop: 2, status: 200 }, { url: { contains: '/landing?code=' }, redirects: 1 }] },
      { when: 'url contains /landing', then: [{ post: /on, json: { to: '${to}', code: '${code}', path: '${path}', first: '${first}', state: '${state}', gone: '${gone}', far: '${far}' } }] }";
    let (seen, errors, said) = run("", steps);
    assert!(errors.is_empty(), "{errors:?} {said}");
    assert_eq!(
        seen[2].body,
        r#"{"to":"/landing?code=a%20b&state=1","code":"a b","path":"/landing","first":"/answer","state":"1","gone":null,"far":null}"#
    );
}

#[test]
fn what_is_missing_after_a_redirect_is_told_with_the_remedy() {
    for (keys, error, why) in [
        (
            "extract: { to: { header: location } }",
            "extract:to",
            "expected the header location, got nothing in the last of 2 answers; one on the way is asked with `hop: 1`",
        ),
        (
            "extract: { to: { parameter: ticket } }",
            "extract:to",
            "expected the parameter ticket of the URL that answered",
        ),
        (
            "check: { hop: 1, status: 200 }",
            "hop 1 status",
            "expected status 200, got 302",
        ),
        (
            "check: { hop: 3, status: 200 }",
            "hop 3 status",
            "expected hop 3, got 2 answers",
        ),
        (
            "check: { redirects: '> 1' }",
            "redirects",
            "expected above 1 as the number of redirects, got 1",
        ),
    ] {
        let (_, errors, said) = run("", &format!("{{ get: LOGIN, {keys} }}"));
        assert_eq!(errors, [error], "{keys}");
        assert!(said.contains(why), "{keys}: {said}");
    }
}
