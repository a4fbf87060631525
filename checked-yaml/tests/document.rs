//! Through the public door: positions, bounds, and one message for each kind of mistake.

use checked_yaml::{
    DEPTH_MAX, Document, Kind, NODES_MAX, Place, Problem, Quoting, Style, TEXT_BYTES_MAX,
};
use schemars::JsonSchema;
use serde::Deserialize;

/// A shelf.
#[derive(Debug, Deserialize, JsonSchema, PartialEq)]
#[serde(deny_unknown_fields)]
#[schemars(title = "shelf")]
struct Shelf {
    /// What it is called.
    name: String,
    /// How many books fit.
    #[schemars(range(min = 1, max = 100))]
    room: Option<u32>,
    /// What stands on it.
    books: Vec<Book>,
    /// How it is sorted.
    order: Option<Order>,
}

/// A thing on a shelf.
#[derive(Debug, Deserialize, JsonSchema, PartialEq)]
#[serde(untagged)]
enum Book {
    /// Just a title.
    Title(String),
    /// With its pages.
    Detail(Detail),
}

/// A book with its pages.
#[derive(Debug, Deserialize, JsonSchema, PartialEq)]
#[serde(deny_unknown_fields)]
#[schemars(title = "book")]
struct Detail {
    /// Its title.
    title: String,
    /// How many pages it has.
    pages: u32,
}

/// How a shelf is sorted.
#[derive(Debug, Deserialize, JsonSchema, PartialEq)]
#[serde(rename_all = "kebab-case")]
enum Order {
    /// By title.
    Title,
    /// By colour.
    Colour,
}

fn messages(text: &str) -> Vec<String> {
    match Document::parse("shelf.yaml", text) {
        Err(problems) => problems
            .iter()
            .map(|problem| problem.message.clone())
            .collect(),
        Ok(document) => match document.check::<Shelf>() {
            Ok(_) => Vec::new(),
            Err(problems) => problems
                .iter()
                .map(|problem| problem.message.clone())
                .collect(),
        },
    }
}

/// The text that is underlined for each problem.
fn underlined(text: &str) -> Vec<String> {
    let document = Document::parse("shelf.yaml", text).expect("YAML");
    let problems = document.check::<Shelf>().expect_err("a mistake").to_json();
    let texts = problems.as_array().expect("a list").iter();
    texts
        .map(|problem| problem["text"].as_str().expect("a text").to_owned())
        .collect()
}

#[test]
fn reads_what_is_right() {
    let text =
        "name: low\nroom: 0x10\nbooks: [Emma, { title: Ulysses, pages: 730 }]\norder: colour\n";
    let shelf: Shelf = Document::parse("shelf.yaml", text)
        .expect("YAML")
        .check()
        .expect("a shelf");
    let detail = Detail {
        title: "Ulysses".to_owned(),
        pages: 730,
    };
    assert_eq!(
        shelf.books,
        [Book::Title("Emma".to_owned()), Book::Detail(detail)]
    );
    assert_eq!((shelf.room, shelf.order), (Some(16), Some(Order::Colour)));
}

#[test]
fn finds_all_mistakes_at_once() {
    let text = "name: 7\nroom: 500\nbooks:\n  - { titel: Emma, pages: 3 }\n  - 12\norder: color\nowner: Ann\n";
    let mut found = underlined(text);
    found.sort();
    assert_eq!(found, ["12", "500", "7", "color", "owner", "titel"]);
}

#[test]
fn reports_look_like_this() {
    let text = "name: low\nbooks: []\nordr: colour\nroom:\n";
    let problems = Document::parse("shelf.yaml", text)
        .expect("YAML")
        .check::<Shelf>()
        .expect_err("mistakes");
    insta::assert_snapshot!(problems.render(Style::Plain));
}

#[test]
fn positions_count_characters_not_bytes() {
    let text = "name: \"größe 😀\"\nbooks: []\nörder: x\n";
    let document = Document::parse("shelf.yaml", text).expect("YAML");
    let problems = document.check::<Shelf>().expect_err("a mistake").to_json();
    assert_eq!(problems[0]["text"], "örder");
    assert_eq!(
        (&problems[0]["line"], &problems[0]["column"]),
        (&3.into(), &1.into())
    );
}

#[test]
fn stretches_of_texts_are_found_in_the_file() {
    let text = "a: plain ${x} text\nb: 'it''s ${x}'\nc: \"tab ${x}\"\nd: |\n  first\n  then ${x}\ne: >\n  folded\n  then ${x}\nf: \"\\t${x}\"\n";
    let document = Document::parse("texts.yaml", text).expect("YAML");
    for key in ["a", "b", "c", "d", "e"] {
        let place = Place::root().key(key);
        let checked_yaml::Kind::Text(value, _) = &document.node(&place).kind else {
            panic!("{key} is a text")
        };
        let at = value.find("${x}").expect("a hole");
        let span = document.span_within(&place, at..at + 4);
        assert_eq!(&text[span.range()], "${x}", "{key}");
    }
    // Behind escapes the whole text is underlined instead.
    let span = document.span_within(&Place::root().key("f"), 1..5);
    assert_eq!(&text[span.range()], "\"\\t${x}\"");
}

#[test]
fn aliases_repeat_values_within_bounds() {
    let text = "name: low\nbooks: [&b { title: Emma, pages: 3 }, *b]\n";
    assert!(messages(text).is_empty());
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..9 {
        let below = format!("*a{}, ", level - 1).repeat(10);
        bomb.push_str(&format!("a{level}: &a{level} [{below}]\n"));
    }
    assert_eq!(messages(&bomb), [format!("more than {NODES_MAX} values")]);
    assert_eq!(messages("a: &a [*a]\n").len(), 1);
}

#[test]
fn bounds_hold() {
    let deep = format!(
        "a: {}{}\n",
        "[".repeat(DEPTH_MAX + 1),
        "]".repeat(DEPTH_MAX + 1)
    );
    assert_eq!(
        messages(&deep),
        [format!("nested more than {DEPTH_MAX} levels deep")]
    );
    let large = format!("a: {}\n", "x".repeat(TEXT_BYTES_MAX));
    assert_eq!(messages(&large), ["the file is too large"]);
}

#[test]
fn what_is_left_out_says_so() {
    for text in [
        "a: 1\n---\nb: 2\n",
        "a: !!str 1\n",
        "b: { <<: { a: 1 } }\n",
        "? [a]\n: 1\n",
        "a: {\n",
        "a:\n\tb: 1\n",
    ] {
        assert_eq!(messages(text).len(), 1, "{text}");
    }
    assert_eq!(
        messages("name: a\nname: b\nbooks: []\n"),
        ["the key `name` appears twice"]
    );
}

#[test]
fn consequences_of_a_mistake_are_left_out() {
    let text = "name: low\nbooks:\n  - { titel: Emma, pages: 3 }\n";
    let reading = Document::parse("shelf.yaml", text)
        .expect("YAML")
        .read::<Shelf>();
    assert!(
        reading
            .value
            .as_ref()
            .is_some_and(|shelf| shelf.books.is_empty())
    );
    let document = &reading.document;
    let books = Place::root().key("books");
    let mut lacking = Problem::new(document.span(&books), "the shelf is empty");
    lacking.lacking = Some(books);
    let mut unknown = Problem::new(
        document.span(&Place::root().key("name")),
        "there is no book `Emma`",
    );
    unknown.concerns = Some("Emma".to_owned());
    let other = Problem::new(
        document.span(&Place::root().key("name")),
        "this name is taken",
    );
    let problems = reading
        .conclude(vec![lacking, unknown, other])
        .expect_err("mistakes");
    let messages: Vec<&str> = problems
        .iter()
        .map(|problem| problem.message.as_str())
        .collect();
    assert_eq!(messages, ["this name is taken", "unknown key `titel`"]);
}

#[test]
fn what_is_written_can_be_told_from_what_is_read() {
    let text =
        "a: 1.10   # a price\nb: { zip: 01234 , hex: 0x1F }\nc: [ 1_000, &n +5, *n ]\nd: 'x'\n";
    let mut document = Document::parse("values.yaml", text).expect("YAML");
    let root = Place::root;
    let places = [
        (root().key("a"), "1.10"),
        (root().key("b").key("zip"), "01234"),
        (root().key("b").key("hex"), "0x1F"),
        (root().key("c").index(0), "1_000"),
        (root().key("c").index(1), "+5"),
        (root().key("c").index(2), "+5"),
        (root().key("d"), "'x'"),
    ];
    for (place, written) in places {
        assert_eq!(document.written(&place), written);
    }
    document.set("--set", "a", " 2.50 ");
    assert_eq!(document.written(&root().key("a")), "2.50");
}

#[test]
fn a_scalar_set_from_outside_is_one_whatever_it_looks_like() {
    let kind = |value: &str| {
        let mut document = Document::parse("values.yaml", "a: 1\n").expect("YAML");
        document.set_scalar("--set", "a", value);
        document.node(&Place::root().key("a")).kind.clone()
    };
    let plain = |text: &str| Kind::Text(text.to_owned(), Quoting::Plain);
    assert_eq!(kind("5"), Kind::Int(5));
    assert_eq!(kind(" true"), Kind::Bool(true));
    assert_eq!(kind("'5'"), Kind::Text("5".to_owned(), Quoting::Single));
    for text in [
        "one #two", "a: b", "[1]", "{", "null", "", "'a' b", "&a 5", "- x", "# x",
    ] {
        assert_eq!(kind(text), plain(text));
    }
}

#[test]
fn values_set_from_outside_are_checked_like_the_file() {
    let mut document = Document::parse("shelf.yaml", "name: low\nbooks: [Emma]\n").expect("YAML");
    document.set("--set", "room", "20");
    document.set("--set", "books.0", "{ title: Emma, pages: 3 }");
    let shelf: Shelf = document.check().expect("a shelf");
    assert_eq!(shelf.room, Some(20));
    document.set("--set", "room", "200");
    document.set("--set", "boks.0", "x");
    let problems = document.check::<Shelf>().expect_err("mistakes").to_json();
    assert_eq!(problems[0]["file"], "--set");
    assert_eq!(problems.as_array().map(Vec::len), Some(2));
}
