//! How much a JSONPath may ask for, so that finding its values takes time in proportion to the answer.
//!
//! Nothing interrupts it: neither a time limit nor the end of a run. So a path walks through all of an answer once at most, a filter
//! looks at no more than lies below the value that it tests, and brackets lead to a value a bounded number of times.
//!
//! Looked at before the path is parsed: the parser reads a filter within a filter twice, one within that four times, and so on.
//! PURE. Must not know: what a path finds.

use super::Mistake;

/// How often brackets may lead to the same value: the selectors of each, multiplied. A filter counts as many as it has queries.
const SELECTORS_MAX: usize = 64;

/// Filters within each other.
const FILTERS_MAX: usize = 2;

/// Whether a path keeps the bounds; of what is no path something is said, too.
pub(super) fn keep(path: &str) -> Result<(), Mistake> {
    let bytes = path.as_bytes();
    let mut scan = Scan {
        open: Vec::new(),
        path: Open {
            query: 1,
            ..Open::default()
        },
        walks: 0,
    };
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        at += match byte {
            b'\'' | b'"' => quoted_bytes(&bytes[at..]).ok_or_else(|| never_closed(at))?,
            b'.' if bytes[at..].starts_with(b"..") => {
                scan.walk(at)?;
                2
            }
            byte => {
                scan.take(*byte, at)?;
                1
            }
        };
    }
    Ok(())
}

/// The path up to some place.
struct Scan {
    path: Open,
    /// Brackets that are open there.
    open: Vec<Open>,
    /// How often `..` stood.
    walks: usize,
}

/// The path itself, or a bracket that is open.
#[derive(Default)]
struct Open {
    at: usize,
    /// What the selectors before the one that is read count together.
    selectors: usize,
    /// Whether that one is a filter.
    is_filter: bool,
    /// What the queries in the filter before the last one count together.
    queries: usize,
    /// What the last query counts; 0 before there is one.
    query: usize,
    /// Parentheses that are open.
    parentheses: usize,
}

impl Scan {
    fn last(&mut self) -> &mut Open {
        self.open.last_mut().unwrap_or(&mut self.path)
    }

    fn filters(&self) -> usize {
        self.open.iter().filter(|open| open.is_filter).count()
    }

    /// `..`
    fn walk(&mut self, at: usize) -> Result<(), Mistake> {
        self.walks += 1;
        match self.walks {
            _ if self.filters() > 0 => Err(refused(
                at,
                "`..` inside a filter goes through all that lies below, for every value that is tested",
                "name the fields that the filter looks at: `?@.price.amount > 10`",
            )),
            1 => Ok(()),
            _ => Err(refused(
                at,
                "a second `..` goes through all that lies below, for every value that the first one finds",
                "name the fields between: `$..orders[*].item.id`",
            )),
        }
    }

    fn take(&mut self, byte: u8, at: usize) -> Result<(), Mistake> {
        match byte {
            b'$' if self.filters() > 0 => Err(refused(
                at,
                "`$` inside a filter is looked for anew, for every value that is tested",
                "start from the value itself, with `@`; to compare with another part of the answer, extract both and use `when`",
            )),
            b'?' => self.filter(at),
            b'[' => {
                self.open.push(Open {
                    at,
                    ..Open::default()
                });
                Ok(())
            }
            b']' => self.close(),
            other => {
                self.last().take(other);
                Ok(())
            }
        }
    }

    fn filter(&mut self, at: usize) -> Result<(), Mistake> {
        if let Some(open) = self.open.last_mut() {
            open.is_filter = true;
        }
        match self.filters() <= FILTERS_MAX {
            true => Ok(()),
            false => Err(refused(
                at,
                &format!("at most {FILTERS_MAX} filters stand within each other"),
                "put the conditions beside each other: `?@.a > 1 && @.b.c`",
            )),
        }
    }

    fn close(&mut self) -> Result<(), Mistake> {
        let Some(closed) = self.open.pop() else {
            return Ok(());
        };
        let outer = self.last();
        outer.query = outer.query.max(1) * closed.visits();
        match outer.query <= SELECTORS_MAX {
            true => Ok(()),
            false => Err(refused(
                closed.at,
                &format!(
                    "up to here its brackets, multiplied, have {} selectors; at most {SELECTORS_MAX} are allowed",
                    outer.query
                ),
                "ask for less at once: a slice `[0:9]` instead of numbers, `[*]` once, or several paths (each `@` in a filter counts)",
            )),
        }
    }
}

impl Open {
    fn take(&mut self, byte: u8) {
        match byte {
            b'@' => {
                self.queries += self.query;
                self.query = 1;
            }
            b'(' => self.parentheses += 1,
            b')' => self.parentheses = self.parentheses.saturating_sub(1),
            b',' if self.parentheses == 0 => {
                *self = Self {
                    at: self.at,
                    selectors: self.visits(),
                    ..Self::default()
                }
            }
            _ => {}
        }
    }

    /// How often its selectors together look at a value, at most.
    fn visits(&self) -> usize {
        let selector = match self.is_filter {
            true => (self.queries + self.query).max(1),
            false => 1,
        };
        self.selectors + selector
    }
}

/// Bytes of a text from one quote to the other; `None` if it has no other.
fn quoted_bytes(text: &[u8]) -> Option<usize> {
    let (quote, inside) = text.split_first()?;
    let mut escaped = false;
    let end = inside.iter().position(|byte| {
        let ends = byte == quote && !escaped;
        escaped = *byte == b'\\' && !escaped;
        ends
    });
    end.map(|end| end + 2)
}

/// The parser may not see it: it takes what is missing for what is yet to come.
fn never_closed(at: usize) -> Mistake {
    refused(at, "a quote is never closed", "close it: `$['a name']`")
}

fn refused(at: usize, reason: &str, remedy: &str) -> Mistake {
    Mistake {
        at,
        reason: reason.to_owned(),
        remedy: Some(remedy.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn refused_at(path: &str) -> Option<usize> {
        keep(path).err().map(|mistake| mistake.at)
    }

    #[test]
    fn what_people_write_is_within_the_bounds() {
        for path in [
            "$",
            "$..id",
            "$.a..['b','c'].d[*].e[-1]",
            "$.items[?@.price > 10 && (@.name == 'x' || !@.gone)]['id']",
            "$[?count(@.tags[*]) > 1, ?length(@.name) == 3]",
            "$.a[?@.b[?@.c]]",
            "$['..', \"a..b..c\", '$..\\'..', '[?@[?@[?@']",
            "$[?@.a == '$..x']",
            "$[*,*][*,*][*,*][*,*][*,*][*,*]",
            "$.a[1,2,3,4,5,6,7,8].b[1,2,3,4,5,6,7,8]",
        ] {
            assert_eq!(keep(path), Ok(()), "{path}");
        }
    }

    #[test]
    fn what_would_take_too_long_is_refused_with_its_place() {
        let numbers = vec!["0"; SELECTORS_MAX + 1].join(",");
        let queries = vec!["@.a"; SELECTORS_MAX + 1].join("||");
        for (path, at) in [
            ("$..a..b", 4),
            ("$..a['x'].b[*]..*", 14),
            ("$[?count(@..*) > 1]", 10),
            ("$[?@.a > $.b]", 9),
            ("$[?count($..*) > 1]", 9),
            ("$[?@[?@[?@.a]]]", 8),
            ("$[?(@[?(@[?(@.a)])])]", 10),
            ("$[*,*][*,*][*,*][*,*][*,*][*,*][*,*]", 31),
            ("$[*,*,*,*].a[?@[*,*,*,*][*,*,*,*].b].c[*,*]", 38),
            (&format!("$[{numbers}]"), 1),
            (&format!("$.a[?{queries}]"), 3),
            ("$['a", 2),
            ("$[\"\\u", 2),
        ] {
            assert_eq!(refused_at(path), Some(at), "{path}");
        }
    }

    proptest! {
        /// What is refused is refused at a place of the path; nothing makes it panic.
        #[test]
        fn a_place_lies_in_the_path(path in "[$.\\[\\]*?@a(),'\"\\\\é ]{0,60}") {
            if let Some(at) = refused_at(&path) {
                prop_assert!(at < path.len() && path.is_char_boundary(at));
            }
        }

        /// Names in quotes may hold anything.
        #[test]
        fn names_in_quotes_are_not_looked_into(name in "[$.\\[\\]*?@a(), ]{0,40}", quote in "['\"]") {
            prop_assert_eq!(keep(&format!("$.a[{quote}{name}{quote}]..b")), Ok(()));
        }

        /// Brackets multiply.
        #[test]
        fn brackets_multiply(brackets in prop::collection::vec(1_usize..6, 0..6)) {
            let texts = brackets.iter().map(|count| format!("[{}]", vec!["*"; *count].join(" , ")));
            let path = format!("${}", texts.collect::<String>());
            let fits = brackets.iter().product::<usize>() <= SELECTORS_MAX;
            prop_assert_eq!(keep(&path).is_ok(), fits, "{}", path);
        }
    }
}
