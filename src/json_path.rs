//! JSONPath (RFC 9535): which values of an answer are meant.
//!
//! A whole tree is built for it, once an answer; JSON pointers, which need none, are found in `response/pointer.rs`. Filters compare
//! numbers as binary ones; what is taken out keeps every digit. What a path may ask for is bounded in `json_path/bounds.rs`. PURE. Must not know: what is done with the values.

mod bounds;
mod tree;

pub(crate) use tree::{Found, Tree};

/// Longest path, bytes: what stands in its parentheses is read by recursion.
const PATH_BYTES_MAX: usize = 500;

/// What the parser says when it has nothing to say.
const PARSER_SAYS_NOTHING: &str = "parser error";

/// A path, understood.
#[derive(Debug, Clone)]
pub struct JsonPath {
    text: String,
    query: serde_json_path::JsonPath,
}

/// What is wrong with a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// Where, in bytes.
    pub at: usize,
    /// In a few words.
    pub reason: String,
    /// What to write instead, if more can be said than how paths look.
    pub remedy: Option<String>,
}

impl Mistake {
    /// Where it is, for people.
    pub fn place(&self, path: &str) -> String {
        let before = path.char_indices().take_while(|(at, _)| *at < self.at);
        match self.at < path.len() {
            true => format!("at character {}", before.count() + 1),
            false => "at its end".to_owned(),
        }
    }
}

impl JsonPath {
    /// Whether a text is meant as a path: `$`, and a dot or a bracket if anything follows.
    pub fn is_meant(text: &str) -> bool {
        text == "$" || text.starts_with("$.") || text.starts_with("$[")
    }

    /// Reads a path.
    ///
    /// # Errors
    /// What is wrong with it, or that it asks for more than can be found in a time in proportion to an answer.
    pub fn parse(text: &str) -> Result<Self, Mistake> {
        if text.len() > PATH_BYTES_MAX {
            return Err(Mistake {
                at: PATH_BYTES_MAX,
                reason: format!("it has more than {PATH_BYTES_MAX} bytes"),
                remedy: None,
            });
        }
        bounds::keep(text)?;
        let query = serde_json_path::JsonPath::parse(text).map_err(|error| Mistake {
            at: error.position().min(text.len()),
            reason: match error.message() {
                PARSER_SAYS_NOTHING => "a path does not go on like that".to_owned(),
                message => message.to_owned(),
            },
            remedy: None,
        })?;
        Ok(Self {
            text: text.to_owned(),
            query,
        })
    }

    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The name at its end, of the field that it leads to.
    pub fn field(&self) -> Option<&str> {
        let end = self.text.trim_end_matches(['[', ']', '\'', '"', '*', '.']);
        let name = end.rsplit(['.', '[', '\'', '"']).next();
        name.filter(|name| !name.is_empty() && *name != "$")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::tree::{LIST_VALUES_MAX, numbers_in};
    use super::*;
    use crate::template::VALUE_BYTES_MAX;

    fn found(body: &str, path: &str) -> String {
        let tree = Tree::of(body.as_bytes()).expect("JSON");
        let path = JsonPath::parse(path).expect("a path");
        let list = tree.find(&path).list().expect("a list within its bounds");
        list.to_text().into_owned()
    }

    #[test]
    fn paths_are_those_of_the_standard() {
        let shop = r#"{"items":[{"id":7,"price":5,"t":["a"]},{"id":8,"price":15},{"id":9,"price":25.50,"name":"x"}],"a.b":1}"#;
        for (path, values) in [
            ("$.items[*].id", "[7,8,9]"),
            ("$.items[0].id", "[7]"),
            ("$.items[-1].id", "[9]"),
            ("$.items[1:].id", "[8,9]"),
            ("$.items[::2].id", "[7,9]"),
            ("$.items[?@.price > 10].id", "[8,9]"),
            ("$.items[?@.name].id", "[9]"),
            ("$.items[?@.price > 10 && !@.name]['id']", "[8]"),
            ("$.items[?@.name == 'x'].price", "[25.50]"),
            ("$..price", "[5,15,25.50]"),
            ("$['a.b']", "[1]"),
            ("$.items[?length(@.t) == 1].t", r#"[["a"]]"#),
            ("$.none[*]", ""),
        ] {
            assert_eq!(found(shop, path), values, "{path}");
        }
    }

    #[test]
    fn digits_stay_as_they_came() {
        let body = "\u{feff}{\"s\\\"1.50\":\"2.0\",\"n\":[1.10,12345678901234567890,-0,1e25,{\"b\":0.10}],\"u\":18446744073709551615}";
        assert_eq!(
            found(body, "$.n[*]"),
            "[1.10,12345678901234567890,-0,1e25,{\"b\":0.10}]"
        );
        assert_eq!(
            found(body, "$.n"),
            "[[1.10,12345678901234567890,-0,1e25,{\"b\":0.10}]]"
        );
        assert_eq!(found(body, "$.u"), "[18446744073709551615]");
    }

    #[test]
    fn a_path_names_its_field() {
        let field = |text: &str| {
            JsonPath::parse(text)
                .expect("a path")
                .field()
                .map(str::to_owned)
        };
        assert_eq!(field("$.a.accessToken").as_deref(), Some("accessToken"));
        assert_eq!(
            field("$['access token'][*]").as_deref(),
            Some("access token")
        );
        assert_eq!(field("$"), None);
        assert!(
            JsonPath::parse(&format!("$[?{}@.a{}]", "(".repeat(300), ")".repeat(300))).is_err()
        );
    }

    #[test]
    fn a_mistake_has_a_place() {
        for (path, place, reason) in [
            (
                "$.items[",
                "at character 8",
                "a path does not go on like that",
            ),
            ("$.é..a..b", "at character 7", "a second `..`"),
            ("$.items.", "at its end", "must start with"),
        ] {
            let mistake = JsonPath::parse(path).expect_err("a mistake");
            assert_eq!(mistake.place(path), place, "{path}");
            assert!(
                mistake.reason.contains(reason),
                "{path}: {}",
                mistake.reason
            );
        }
    }

    #[test]
    fn a_list_of_all_is_bounded() {
        let list = |body: &str| {
            let tree = Tree::of(body.as_bytes()).expect("JSON");
            let path = JsonPath::parse("$[*]").expect("a path");
            tree.find(&path).list().map(|list| list.to_text().len())
        };
        let numbers = |count: usize| format!("[{}]", vec!["1"; count].join(","));
        assert_eq!(
            list(&numbers(LIST_VALUES_MAX)),
            Some(2 * LIST_VALUES_MAX + 1)
        );
        assert_eq!(list(&numbers(LIST_VALUES_MAX + 1)), None);
        // The quotes and the brackets count.
        let text = |bytes: usize| format!("[\"{}\"]", "x".repeat(bytes));
        assert_eq!(list(&text(VALUE_BYTES_MAX - 4)), Some(VALUE_BYTES_MAX));
        assert_eq!(list(&text(VALUE_BYTES_MAX - 3)), None);
    }

    proptest! {
        /// A tree is written as it came, apart from space.
        #[test]
        fn trees_come_back(numbers in prop::collection::vec("-?(0|[1-9][0-9]{0,22})(\\.[0-9]{1,4})?", 0..6), key in "[a-c\"\\\\é]{0,3}") {
            let body = format!("{{{}:[{}]}}", Value::from(key.as_str()), numbers.join(","));
            prop_assert_eq!(found(&body, "$"), format!("[{body}]"));
        }

        /// No bytes make it panic.
        #[test]
        fn survives_garbage(body: Vec<u8>, path in "[$.\\[\\]*?@au()'\"\\\\0-9-]{0,12}") {
            let tree = Tree::of(&body);
            if let (Some(tree), Ok(path)) = (tree, JsonPath::parse(&path)) {
                let _ = tree.find(&path).list();
            }
            let _ = numbers_in(&body);
        }
    }
}
