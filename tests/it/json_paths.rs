//! JSONPath in extractions, checks and conditions, and the loop over a list.

use std::collections::BTreeSet;
use std::time::Instant;

use loadgen::report::TimesRecord;

use crate::echo::{Echo, Recorded};
use crate::support::{Run, errors};
use crate::targets::Hostile;

const BODY: &str = r#"{"items":[{"id":7,"price":5,"tags":["a","b"]},{"id":8,"price":15.50},{"id":9,"price":25}],"none":[],"null":null}"#;

/// Answers every request with the body.
fn shop() -> Hostile {
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{BODY}",
        BODY.len()
    );
    Hostile::start(move |victim| victim.answer_always(answer.as_bytes()))
}

/// What shoppers send on, who have extracted these from the shop's answer.
fn sent(extract: &str, steps: &str, journeys: u32) -> Vec<Recorded> {
    let (shop, echo) = (shop(), Echo::start());
    let scenario = format!(
        "name: paths
load: {{ model: one-by-one, journeys: {journeys} }}
journeys: [{{ name: j, steps: [{{ get: '{}/', extract: {extract} }}, {steps}] }}]
",
        shop.url()
    );
    let (_, report) = Run::of(&scenario)
        .with(&["--target", &echo.url(), "--run-id", "a-test"])
        .finish();
    assert!(errors(&report).is_empty(), "{:?}", errors(&report));
    echo.seen()
}

#[test]
fn one_of_several_values_is_picked() {
    let extract = "{ id: '$.items[*].id', last: { json: '$.items[*].id', pick: last }, count: { json: $.items, pick: count },
        many: { json: '$.items[*]', pick: count }, dear: '$.items[?@.price > 10].price', all: { json: '$..id', pick: all },
        each: { json: '$.items[?@.price < 20]', pick: each }, none: { json: '$.none[*]', optional: true }, zero: { json: '$.none[*]', pick: count } }";
    let step = "{ post: '/t?id=${id}', json: { id: '${id}', last: '${last}', count: '${count}', many: '${many}', dear: '${dear}', all: '${all}',
        each: '${each}', none: '${none}', zero: '${zero}' } }";
    let seen = sent(extract, step, 1);
    assert_eq!(seen[0].path, "/t?id=7");
    assert_eq!(
        seen[0].body,
        r#"{"id":7,"last":9,"count":1,"many":3,"dear":15.50,"all":[7,8,9],"each":[{"id":7,"price":5,"tags":["a","b"]},{"id":8,"price":15.50}],"none":null,"zero":0}"#
    );
}

#[test]
fn a_random_value_follows_from_the_seed() {
    let paths = || {
        let extract = "{ id: { json: '$.items[*].id', pick: random } }";
        let seen = sent(extract, "{ get: '/t?id=${id}' }", 40);
        seen.into_iter()
            .map(|request| request.path)
            .collect::<Vec<_>>()
    };
    let first = paths();
    assert_eq!(first, paths());
    let different: BTreeSet<&String> = first.iter().collect();
    assert_eq!(different.len(), 3, "{different:?}");
}

#[test]
fn a_loop_goes_through_a_list() {
    let extract = "{ ids: { json: '$.items[*].id', pick: all }, tags: /items/0/tags, one: /items/0/id, none: { json: /gone, optional: true } }";
    let steps = "{ for-each: { id: '${ids}' }, steps: [{ get: '/item/${id}' }, { for-each: { tag: '${tags}' }, at-most: 5, steps: [{ get: '/tag/${id}/${tag}' }] }] },
        { for-each: { id: '${ids}' }, at-most: 2, steps: [{ get: '/few/${id}' }] },
        { for-each: { it: '${one}' }, steps: [{ get: '/one/${it}' }] },
        { for-each: { it: '${none}' }, steps: [{ get: '/none/${it}' }] }";
    let paths: Vec<String> = sent(extract, steps, 1)
        .into_iter()
        .map(|request| request.path)
        .collect();
    assert_eq!(
        paths,
        [
            "/item/7", "/tag/7/a", "/tag/7/b", "/item/8", "/tag/8/a", "/tag/8/b", "/item/9",
            "/tag/9/a", "/tag/9/b", "/few/7", "/few/8", "/one/7",
        ]
    );
}

/// A list that is too long for one variable.
fn long_list() -> String {
    let item = |id| format!("{{\"id\":{id},\"name\":\"an item, number {id:05}\",\"price\":1.5}}");
    let items: Vec<String> = (0..60_000).map(item).collect();
    format!("{{\"items\":[{}]}}", items.join(","))
}

/// Answers every request with the long list.
fn wholesaler() -> Hostile {
    let (head, body) = ("HTTP/1.1 200 OK\r\ncontent-length:", long_list());
    let answer = format!("{head} {}\r\n\r\n{body}", body.len());
    Hostile::start(move |victim| victim.answer_always(answer.as_bytes()))
}

#[test]
fn a_list_that_is_too_large_is_not_kept() {
    let shop = wholesaler();
    let errors_of = |extract: &str| {
        let scenario = format!(
            "name: long
load: {{ model: one-by-one, journeys: 1 }}
journeys: [{{ name: j, steps: [{{ get: /, extract: {{ x: {extract} }} }}] }}]
"
        );
        let (_, report) = Run::of(&scenario).with(&["--target", &shop.url()]).finish();
        errors(&report).into_keys().collect::<Vec<_>>()
    };
    for all in [
        "{ json: '$.items[*]', pick: all }",
        "{ json: '$..*', pick: all, optional: true }",
        "{ json: '$..name', pick: all, regex: '(item)' }",
    ] {
        assert_eq!(errors_of(all), ["value_too_large"], "{all}");
    }
    for fits in [
        "{ json: '$.items[*].id', pick: all }",
        "{ json: '$..*', pick: count }",
        "{ json: '$.items[*]', pick: last }",
    ] {
        assert!(errors_of(fits).is_empty(), "{fits}");
    }
}

/// The errors of one request with this check, and what is said of them.
fn checked(check: &str) -> (Vec<String>, String) {
    let shop = shop();
    let scenario = format!(
        "name: checked
load: {{ model: one-by-one, journeys: 1 }}
variables: {{ low: 4 }}
journeys: [{{ name: j, steps: [{{ get: /, check: {{ json: {{ {check} }} }} }}] }}]
"
    );
    let (ended, report) = Run::of(&scenario).with(&["--target", &shop.url()]).finish();
    (errors(&report).into_keys().collect(), ended.out)
}

#[test]
fn checks_ask_of_the_first_of_any_of_every_and_of_the_number() {
    for check in [
        "'$.items[*].id': 7",
        "'$.items[*].id': { is-not: 8 }",
        "'$.items[*].id': { count: 3 }",
        "'$.items[*].id': { count: '> 2' }",
        "'$.none[*]': { count: 0 }",
        "'$.items[*].id': { any: 9 }",
        "'$.items[*].id': { any: { one-of: [1, 8] } }",
        "'$.items[*].price': { every: '> ${low}' }",
        "'$.items[*].tags[*]': { contains: b }",
        "'$.items[?@.id == 8].price': 15.5",
        "'$.items[*].tags': exists",
        "'$.null': missing",
        "'$.none[*]': missing",
        "'$.items[?@.price > 100]': missing",
    ] {
        let (errors, said) = checked(check);
        assert!(errors.is_empty(), "{check}: {errors:?} {said}");
    }
    for (check, why) in [
        ("'$.items[*].id': 8", "expected 8, got 7"),
        (
            "'$.items[*].id': { count: 2 }",
            "expected 2 as the number of values, got 3",
        ),
        (
            "'$.items[*].id': { any: 4 }",
            "expected 4 for one of the values, got 3 others",
        ),
        (
            "'$.items[*].price': { every: '> 5' }",
            "expected above 5 for every value, got 5",
        ),
        ("'$.none[*]': { every: 5 }", "expected 5, got nothing"),
        ("'$.items[*].id': missing", "expected nothing, got 7"),
        ("'$.none[*]': exists", "expected a value, got nothing"),
    ] {
        let (errors, said) = checked(check);
        assert_eq!(errors.len(), 1, "{check}");
        assert!(said.contains(why), "{check}: {said}");
    }
}

#[test]
fn conditions_ask_with_paths() {
    let steps = "{ get: '{shop}', name: again },
        { when: 'json $.items[*] count > 2 and json $.items[?@.price > 20].id is 9', then: [{ get: /both }] },
        { get: '{shop}', name: again },
        { when: '(json $.items[*].id any is 8) and not (json $.items[*].id every < 9)', then: [{ get: /any }] },
        { get: '{shop}', name: again },
        { when: \"json '$.items[*].id' exists and json $.gone missing\", then: [{ get: /quoted }] }";
    let shop = shop();
    let steps = steps.replace("{shop}", &format!("{}/", shop.url()));
    let paths: Vec<String> = sent("{}", &steps, 1)
        .into_iter()
        .map(|request| request.path)
        .collect();
    assert_eq!(paths, ["/both", "/any", "/quoted"]);
}

/// What the generator does with a long answer is not the next step's wait: not the making of its tree, not what a condition asks of it,
/// and not the letting go.
#[test]
fn judging_a_long_answer_is_no_wait_of_the_next_step() {
    let (shop, echo) = (wholesaler(), Echo::start());
    let url = shop.url();
    let scenario = format!(
        "name: wide
load: {{ model: one-by-one, journeys: 7 }}
journeys:
  - name: j
    steps:
      - {{ get: '{url}/wide', name: wide, extract: {{ n: {{ json: '$.items[*].id', pick: count }} }} }}
      - {{ get: /small, name: after-extract }}
      - {{ get: '{url}/again', name: again }}
      - {{ when: 'json $.items[*] count > 2', then: [{{ get: /small, name: after-when }}] }}
"
    );
    let (_, report) = Run::of(&scenario).with(&["--target", &echo.url()]).finish();
    assert!(errors(&report).is_empty(), "{:?}", errors(&report));
    let tree = tree_time();
    for name in ["after-extract", "after-when"] {
        let step = report.steps.iter().find(|step| step.step == name);
        let step = step.expect("the step was sent");
        assert_eq!(step.response.count, 7);
        let p50 = |times: &TimesRecord| times.quantiles_ms["p50"];
        let waited = p50(&step.response) - p50(&step.service_time);
        assert!(
            waited < tree / 2.0,
            "{name} began {waited} ms late, and a tree takes {tree} ms"
        );
    }
}

/// The shortest of several times in which this program, made as the generator is, makes a tree of the long list; milliseconds.
fn tree_time() -> f64 {
    let body = long_list();
    let times = (0..5).map(|_| {
        let begun = Instant::now();
        let tree: serde_json::Value = serde_json::from_str(&body).expect("JSON");
        let time = begun.elapsed().as_secs_f64() * 1e3;
        drop(tree);
        time
    });
    times.fold(f64::INFINITY, f64::min)
}
