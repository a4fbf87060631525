//! The query language through its public door: tables of queries, wording of errors, and properties on any input.

use alerting::query::{Expression, NESTING_MAX, QUERY_BYTES_MAX, Query};
use proptest::prelude::*;

fn table(text: &str) -> Vec<&str> {
    text.lines()
        .filter(|line| !line.trim().is_empty() && !line.starts_with('#'))
        .collect()
}

fn valid() -> Vec<&'static str> {
    table(include_str!("../queries/valid.txt"))
}

fn expressions() -> Vec<&'static str> {
    table(include_str!("../queries/expressions.txt"))
}

#[test]
fn every_query_prints_back_to_the_same_bytes() {
    assert!(valid().len() >= 150, "{}", valid().len());
    for text in valid() {
        let query = Query::parse(text).unwrap_or_else(|error| panic!("{text}\n{error:?}"));
        assert_eq!(query.to_string(), text);
    }
}

#[test]
fn every_query_means_the_same_in_its_plainest_spelling() {
    for text in valid() {
        let query = Query::parse(text).unwrap_or_else(|error| panic!("{text}\n{error:?}"));
        let plain = query.canonical();
        let again =
            Query::parse(&plain).unwrap_or_else(|error| panic!("{text}\n{plain}\n{error:?}"));
        assert_eq!(query, again, "{text}\n{plain}");
        assert_eq!(again.canonical(), plain);
        assert_eq!(again.to_string(), plain, "the layout of {text}");
    }
}

#[test]
fn every_expression_prints_back_to_the_same_bytes() {
    for text in expressions() {
        let expression =
            Expression::parse(text).unwrap_or_else(|error| panic!("{text}\n{error:?}"));
        assert_eq!(expression.to_string(), text);
        let plain = expression.canonical();
        assert_eq!(Expression::parse(&plain).ok(), Some(expression), "{plain}");
    }
}

#[test]
fn errors_say_what_may_stand_there() {
    let mut report = String::new();
    for text in table(include_str!("../queries/invalid.txt")) {
        let error = Query::parse(text).expect_err(text);
        let caret = " ".repeat(text[..error.at.start].chars().count());
        let width = text[error.at.clone()].chars().count().max(1);
        report.push_str(&format!(
            "{text}\n{caret}{}\n{}\n\n",
            "^".repeat(width),
            error.message
        ));
    }
    insta::assert_snapshot!(report);
}

#[test]
fn size_and_nesting_are_bounded() {
    let deep = |depth: usize| {
        format!(
            "avg(last_5m):{}1{} > 1",
            "(".repeat(depth),
            ")".repeat(depth)
        )
    };
    assert!(Query::parse(&deep(NESTING_MAX)).is_ok());
    let error = Query::parse(&deep(NESTING_MAX + 1)).expect_err("too deep");
    assert!(error.message.contains("64"), "{error}");
    let long = format!("avg(last_5m):avg:a{{*}} > {}", "1".repeat(QUERY_BYTES_MAX));
    assert!(
        Query::parse(&long)
            .expect_err("too long")
            .message
            .contains("longer")
    );
    let sum = vec!["1"; 10_000].join("+");
    assert!(
        Query::parse(&format!("avg(last_5m):{sum} > 1")).is_ok(),
        "length is not depth"
    );
}

#[test]
fn a_changed_tree_keeps_the_spelling_around_the_change() {
    use alerting::query::tree::Alert;
    let mut query = Query::parse("avg( last_5m ):avg:a{ * }  >  5.0").expect("a query");
    let Alert::Metric(metric) = &mut query.alert else {
        panic!("a metric alert")
    };
    metric.comparison.threshold = 7.0;
    assert_eq!(query.to_string(), "avg( last_5m ):avg:a{ * }  >  7");
}

/// Pieces of the language in any order: nearly right input reaches deeper than random bytes.
fn fragments() -> impl Strategy<Value = String> {
    let words = prop::sample::select(vec![
        "avg",
        "sum",
        "(",
        ")",
        "{",
        "}",
        "last_5m",
        ":",
        "a.b",
        "*",
        ">",
        ">=",
        "5",
        "-1.5e3",
        "by",
        " ",
        ",",
        "!",
        "&&",
        "||",
        "'basic'",
        "\"x\"",
        ".",
        "as_count",
        "rollup",
        "NOT",
        "IN",
        "env:prod",
        "formula(\"",
        "\")",
        "logs(\"x\")",
        ".last(\"5m\")",
        "burn_rate",
        "${monitor:x}",
        "$env",
        "+",
        "/",
        "anomalies(",
        "é",
        "\\",
        "\"",
        "count(v: v>2)",
        "ci-tests",
        "=",
        "p95:",
        "1d_ago",
        "pct_change(",
        "123",
    ]);
    prop::collection::vec(words, 0..24).prop_map(|words| words.concat())
}

/// A valid query with a few characters changed.
fn mutated() -> impl Strategy<Value = String> {
    let queries = prop::sample::select(valid());
    let edits = prop::collection::vec((any::<prop::sample::Index>(), any::<char>(), 0..3u8), 1..4);
    (queries, edits).prop_map(|(query, edits)| {
        let mut characters: Vec<char> = query.chars().collect();
        for (at, character, kind) in edits {
            let at = at.index(characters.len().max(1));
            match kind {
                0 => characters.insert(at.min(characters.len()), character),
                1 if !characters.is_empty() => characters[at] = character,
                _ if !characters.is_empty() => drop(characters.remove(at)),
                _ => {}
            }
        }
        characters.into_iter().collect()
    })
}

/// No input panics; what parses prints back unchanged and errors point into the text.
fn holds(text: &str) {
    match Query::parse(text) {
        Ok(query) => {
            assert_eq!(query.to_string(), text);
            let plain = query.canonical();
            assert_eq!(Query::parse(&plain).as_ref(), Ok(&query), "{plain}");
        }
        Err(error) => assert!(text.get(error.at.clone()).is_some(), "{error:?}"),
    }
    if let Ok(expression) = Expression::parse(text) {
        assert_eq!(expression.to_string(), text);
    }
}

/// Cases a property runs: 20,000, or as many as QUERY_FUZZ_CASES asks for.
fn cases() -> u32 {
    std::env::var("QUERY_FUZZ_CASES")
        .ok()
        .and_then(|cases| cases.parse().ok())
        .unwrap_or(20_000)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn fragments_never_panic(text in fragments()) {
        holds(&text);
    }

    #[test]
    fn changed_queries_never_panic(text in mutated()) {
        holds(&text);
    }

    #[test]
    fn any_text_never_panics(text in any::<String>()) {
        holds(&text);
    }
}
