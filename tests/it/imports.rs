//! Layers: what imports what, read from the sources of every crate. Nothing imports upwards, and nothing goes in a circle.
//!
//! An import is a path that begins with `crate` or `super`, in a `use` or in the code; it goes to the file that declares the
//! longest part of the path, also when that file only passes the name on. A file that names its own submodules is one with
//! its folder, and that is no import. Tests are left out.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

const SOURCES: [&str; 7] = [
    "src",
    "shop/src",
    "telemetry/src",
    "alerting/src",
    "checked-yaml/src",
    "provision/src",
    "test-servers/src",
];

/// The layers of the shop from the bottom up, in rows. A file imports from its own row or from one above it in this table. A
/// module that is not named stands where the module around it does; at the top, each must be named.
const SHOP_LAYERS: [(&str, &[&str]); 11] = [
    (
        "words",
        &[
            "clock",
            "secret",
            "build",
            "page",
            "duration",
            "money",
            "order",
            "event",
            "service",
            "role",
            "json",
            "catalogue",
        ],
    ),
    (
        "machinery",
        &[
            "private", "blocking", "warning", "fault", "db", "listener", "observe", "error",
            "validate", "extract", "peer",
        ],
    ),
    ("ports", &["store", "queue", "provider"]),
    (
        "adapters",
        &[
            "store::operation",
            "store::embedded",
            "store::postgres",
            "store::redis",
            "store::schema",
            "queue::embedded",
            "queue::sqs",
            "provider::simulated",
            "provider::http",
            "provider::server",
        ],
    ),
    ("domain: configuration", &["backends", "config", "token"]),
    ("domain: context", &["context"]),
    (
        "domain: shared by services and pipeline",
        &[
            "caller",
            "own_order",
            "found_product",
            "new_order",
            "cold_start",
        ],
    ),
    ("domain: pipeline", &["pipeline"]),
    ("domain: services", &["services::"]),
    ("domain: list of services", &["services"]),
    ("assembly", &["server", "cli"]),
];

/// Files that stand in a circle which is too large or goes across modules. To be emptied, never added to.
const STILL_IN_CIRCLES: &[&str] = &[];

/// Files that may import each other, within one module.
const CIRCLE_FILES_MAX: usize = 3;

/// The modules of a crate by their paths, such as `store::redis`; the root is the empty one.
struct Sources {
    folder: &'static str,
    code: BTreeMap<String, String>,
}

type Imports = BTreeMap<String, BTreeSet<String>>;

impl Sources {
    fn read(folder: &'static str) -> Self {
        let mut files = Vec::new();
        files_under(Path::new(folder), &mut files);
        let texts: BTreeMap<String, String> = files
            .iter()
            .filter(|path| path.file_name().is_some_and(|name| name != "main.rs"))
            .map(|path| {
                let text = fs::read_to_string(path).expect("a source");
                (module_of(folder, path), without_texts(&text))
            })
            .collect();
        let tests: BTreeSet<String> = texts
            .iter()
            .flat_map(|(module, text)| test_files(module, text))
            .collect();
        let is_test = |module: &str| {
            tests
                .iter()
                .any(|test| module == test || module.starts_with(&format!("{test}::")))
        };
        let code = texts
            .into_iter()
            .filter(|(module, _)| !is_test(module))
            .map(|(module, text)| (module, without_tests(&text)))
            .collect();
        Sources { folder, code }
    }

    fn imports(&self) -> Imports {
        self.code
            .iter()
            .map(|(module, code)| {
                let paths = absolute_paths(module, code)
                    .unwrap_or_else(|problem| panic!("{}: {problem}", self.file(module)));
                let files = paths.iter().map(|path| self.declares(path));
                (
                    module.clone(),
                    files.filter(|file| file != module).collect(),
                )
            })
            .collect()
    }

    /// The module with a file of its own in which a path ends.
    fn declares(&self, path: &[String]) -> String {
        (0..=path.len())
            .rev()
            .map(|length| path[..length].join("::"))
            .find(|module| self.code.contains_key(module))
            .unwrap_or_default()
    }

    fn file(&self, module: &str) -> String {
        match module {
            "" => format!("{}/lib.rs", self.folder),
            module => format!("{}/{}.rs", self.folder, module.replace("::", "/")),
        }
    }
}

fn files_under(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files_under(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

fn module_of(folder: &str, file: &Path) -> String {
    let inside = file.strip_prefix(folder).expect("within the crate");
    let names: Vec<_> = inside
        .with_extension("")
        .iter()
        .map(|name| name.to_string_lossy().into_owned())
        .collect();
    match names.join("::").as_str() {
        "lib" => String::new(),
        module => module.to_owned(),
    }
}

/// The code without comments and with empty texts, so that what they say is not read as code.
fn without_texts(source: &str) -> String {
    let mut code = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(next) = rest.chars().next() {
        let skipped = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if next == '"' {
            code.push_str("\"\"");
            text_length(rest)
        } else if is_raw_text(&code, rest) {
            code.push_str("\"\"");
            raw_text_length(rest)
        } else if let Some(length) = character_length(rest) {
            code.push_str("' '");
            length
        } else {
            code.push(next);
            next.len_utf8()
        };
        rest = &rest[skipped..];
    }
    code
}

fn text_length(rest: &str) -> usize {
    let mut escaped = false;
    for (at, letter) in rest.char_indices().skip(1) {
        match letter {
            '"' if !escaped => return at + 1,
            letter => escaped = letter == '\\' && !escaped,
        }
    }
    rest.len()
}

fn is_raw_text(before: &str, rest: &str) -> bool {
    let within_a_word = before.ends_with(|letter: char| letter.is_alphanumeric() && letter != 'b');
    let marked = rest
        .strip_prefix('r')
        .map(|rest| rest.trim_start_matches('#'));
    !within_a_word && marked.is_some_and(|rest| rest.starts_with('"'))
}

fn raw_text_length(rest: &str) -> usize {
    let marks = rest[1..].len() - rest[1..].trim_start_matches('#').len();
    let end = format!("\"{}", "#".repeat(marks));
    let begin = marks + 2;
    rest[begin..]
        .find(&end)
        .map_or(rest.len(), |at| begin + at + end.len())
}

/// The length of a character literal; a lifetime is none.
fn character_length(rest: &str) -> Option<usize> {
    let mut letters = rest.char_indices();
    letters.next().filter(|(_, mark)| *mark == '\'')?;
    let (_, first) = letters.next()?;
    if first == '\\' {
        letters.next();
        return rest[2..].find('\'').map(|at| 2 + at + 1).max(Some(4));
    }
    letters
        .next()
        .filter(|(_, mark)| *mark == '\'')
        .map(|(at, _)| at + 1)
}

const TEST_MARK: &str = "#[cfg(test)]";

/// The modules that a file declares as tests in files of their own.
fn test_files(module: &str, code: &str) -> Vec<String> {
    code.split(TEST_MARK)
        .skip(1)
        .filter_map(|marked| {
            let (declared, _) = marked.split_once(';')?;
            let name = declared.trim().strip_prefix("mod ")?;
            is_name(name).then(|| join(module, name))
        })
        .collect()
}

fn join(module: &str, name: &str) -> String {
    match module {
        "" => name.to_owned(),
        module => format!("{module}::{name}"),
    }
}

/// The code without the modules in it that are marked as tests.
fn without_tests(code: &str) -> String {
    let mut parts = code.split(TEST_MARK);
    let mut product = parts.next().unwrap_or_default().to_owned();
    for marked in parts {
        let is_module = marked.trim_start().starts_with("mod ");
        let block = marked
            .find('{')
            .filter(|at| marked.find(';').is_none_or(|end| *at < end));
        match block.filter(|_| is_module) {
            Some(begin) => product.push_str(&marked[block_end(marked, begin)..]),
            None => product.push_str(marked),
        }
    }
    product
}

/// The end of the block that begins with the brace at `begin`.
fn block_end(code: &str, begin: usize) -> usize {
    let mut depth = 0_usize;
    for (at, letter) in code[begin..].char_indices() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return begin + at + 1;
        }
    }
    code.len()
}

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text
            .chars()
            .all(|letter| letter.is_alphanumeric() || letter == '_')
}

/// Every path in a module that begins with `crate` or `super`, from the root of the crate.
fn absolute_paths(module: &str, code: &str) -> Result<Vec<Vec<String>>, String> {
    let mut paths = Vec::new();
    for (at, statement) in uses(code) {
        for path in expanded(statement)? {
            paths.extend(absolute(module, inline_depth(code, at), &path));
        }
    }
    for start in ["crate", "super"] {
        for (at, _) in code.match_indices(&format!("{start}::")) {
            let before = &code[..at];
            let inside = before.ends_with(|letter: char| letter.is_alphanumeric() || letter == '_');
            // `super::super::…` is read from its beginning, and a visibility imports nothing.
            if inside || before.ends_with("::") || before.ends_with("in ") {
                continue;
            }
            let end = code[at..]
                .find(|letter: char| !(letter.is_alphanumeric() || "_:".contains(letter)))
                .map_or(code.len(), |length| at + length);
            let path: Vec<String> = code[at..end]
                .split("::")
                .take_while(|name| is_name(name))
                .map(str::to_owned)
                .collect();
            // What goes on in braces is a `use`, and was read as one.
            if path
                .last()
                .is_some_and(|last| last != "crate" && last != "super")
            {
                paths.extend(absolute(module, inline_depth(code, at), &path));
            }
        }
    }
    Ok(paths)
}

/// The `use` statements with their places, without the word and the semicolon.
fn uses(code: &str) -> Vec<(usize, &str)> {
    code.match_indices("use ")
        .filter(|(at, _)| {
            let before = &code[..*at];
            before.is_empty() || before.ends_with([' ', '\n', '\t', ';', '{', '}'])
        })
        .filter_map(|(at, word)| {
            let rest = &code[at + word.len()..];
            Some((at, &rest[..rest.find(';')?]))
        })
        .collect()
}

/// The single paths of a `use` with its braces: `a::{b, c::{d, e as f}}` is a::b, a::c::d and a::c::e.
fn expanded(tree: &str) -> Result<Vec<Vec<String>>, String> {
    let tree = tree.trim();
    let unreadable = || format!("cannot read `use {tree};`");
    let Some((start, rest)) = tree.split_once('{') else {
        let path = tree.split(" as ").next().unwrap_or_default();
        let names: Vec<String> = path
            .trim_start_matches("::")
            .split("::")
            .map(|name| name.trim().to_owned())
            .collect();
        let readable = names.iter().all(|name| is_name(name) || name == "*");
        return if readable {
            Ok(vec![names])
        } else {
            Err(unreadable())
        };
    };
    let inner = rest.strip_suffix('}').ok_or_else(unreadable)?;
    let mut start: Vec<String> = start
        .split("::")
        .map(|name| name.trim().to_owned())
        .collect();
    if start.pop().is_some_and(|last| !last.is_empty()) {
        return Err(unreadable());
    }
    let mut paths = Vec::new();
    for branch in branches(inner) {
        for path in expanded(branch)? {
            paths.push(start.iter().cloned().chain(path).collect());
        }
    }
    Ok(paths)
}

/// What stands between commas, those within braces not counted.
fn branches(inner: &str) -> Vec<&str> {
    let (mut depth, mut begin, mut found) = (0_i32, 0, Vec::new());
    for (at, letter) in inner.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                found.push(&inner[begin..at]);
                begin = at + 1;
            }
            _ => {}
        }
    }
    found.push(&inner[begin..]);
    found.retain(|branch| !branch.trim().is_empty());
    found
}

/// How many modules in the same file stand around a place.
fn inline_depth(code: &str, place: usize) -> usize {
    code.match_indices("mod ")
        .filter(|(at, word)| {
            let rest = &code[at + word.len()..];
            let Some(begin) = rest.find('{') else {
                return false;
            };
            let begins = at + word.len() + begin;
            is_name(rest[..begin].trim()) && *at < place && place < block_end(code, begins)
        })
        .count()
}

/// The path from the root of the crate; none for a path into another crate or a submodule.
fn absolute(module: &str, inline: usize, path: &[String]) -> Option<Vec<String>> {
    let (first, rest) = path.split_first()?;
    match first.as_str() {
        "crate" => Some(rest.to_vec()),
        "super" => {
            let ups = path.iter().take_while(|name| *name == "super").count();
            let ups_of_files = ups.saturating_sub(inline);
            let around: Vec<&str> = module.split("::").filter(|name| !name.is_empty()).collect();
            let left = around.len().saturating_sub(ups_of_files);
            let within = around[..left].iter().map(|name| (*name).to_owned());
            Some(within.chain(path[ups..].iter().cloned()).collect())
        }
        _ => None,
    }
}

/// The sets of modules that import each other, over however many steps.
fn circles(imports: &Imports) -> Vec<Vec<String>> {
    let reached: BTreeMap<&str, BTreeSet<&str>> = imports
        .keys()
        .map(|module| (module.as_str(), reachable(imports, module)))
        .collect();
    let mut circles: Vec<Vec<String>> = Vec::new();
    for (module, there) in &reached {
        let circle: Vec<String> = there
            .iter()
            .filter(|other| reached[*other].contains(module))
            .map(|other| (*other).to_owned())
            .collect();
        if circle.len() > 1 && !circles.contains(&circle) {
            circles.push(circle);
        }
    }
    circles
}

fn reachable<'a>(imports: &'a Imports, from: &str) -> BTreeSet<&'a str> {
    let mut reached = BTreeSet::new();
    let mut left: Vec<&str> = imports[from].iter().map(String::as_str).collect();
    while let Some(module) = left.pop() {
        if let Some((module, further)) = imports.get_key_value(module)
            && reached.insert(module.as_str())
        {
            left.extend(further.iter().map(String::as_str));
        }
    }
    reached
}

/// Whether a circle is small and its files stand beside each other.
fn is_allowed(circle: &[String]) -> bool {
    let parents: BTreeSet<Option<&str>> = circle
        .iter()
        .map(|module| module.rsplit_once("::").map(|(parent, _)| parent))
        .collect();
    circle.len() <= CIRCLE_FILES_MAX && parents.len() == 1 && !parents.contains(&None)
}

#[test]
fn no_circle_is_large_or_goes_across_modules() {
    let mut in_circles = BTreeSet::new();
    let mut largest: Vec<String> = Vec::new();
    for folder in SOURCES {
        let sources = Sources::read(folder);
        for circle in circles(&sources.imports()) {
            if is_allowed(&circle) {
                continue;
            }
            let files: Vec<String> = circle.iter().map(|module| sources.file(module)).collect();
            in_circles.extend(files.iter().cloned());
            if files.len() > largest.len() {
                largest = files;
            }
        }
    }
    let known: BTreeSet<String> = STILL_IN_CIRCLES
        .iter()
        .map(|file| (*file).to_owned())
        .collect();
    let figures = format!(
        "files in circles: {}; the largest circle: {largest:?}",
        in_circles.len()
    );
    let new: Vec<_> = in_circles.difference(&known).collect();
    assert!(new.is_empty(), "newly in a circle: {new:?}; {figures}");
    let free: Vec<_> = known.difference(&in_circles).collect();
    assert!(
        free.is_empty(),
        "in no circle any more, take them off the list: {free:?}; {figures}"
    );
}

/// The row of the table in which a module of the shop stands: that of the longest entry around it.
fn row(module: &str) -> Option<usize> {
    let length = |entry: &str| {
        let around = match entry.strip_suffix("::") {
            Some(parent) => module.strip_prefix(parent)?.starts_with("::"),
            None => module == entry || module.strip_prefix(entry)?.starts_with("::"),
        };
        around.then_some(entry.len())
    };
    let rows = SHOP_LAYERS.iter().enumerate();
    let found = rows.filter_map(|(row, (_, entries))| {
        let longest = entries.iter().filter_map(|entry| length(entry)).max()?;
        Some((longest, row))
    });
    found.max().map(|(_, row)| row)
}

/// Which service a module belongs to; none for what is not part of one.
fn service(module: &str) -> Option<&str> {
    let service = module.strip_prefix("services::")?.split("::").next()?;
    (service != "entry").then_some(service)
}

#[test]
fn nothing_in_the_shop_imports_upwards() {
    let mut upward = Vec::new();
    let imports = Sources::read("shop/src").imports();
    for (module, others) in imports.iter().filter(|(module, _)| !module.is_empty()) {
        let here = row(module).unwrap_or_else(|| panic!("say in which layer `{module}` stands"));
        for other in others {
            assert!(
                !other.is_empty(),
                "`{module}` imports from where `{other}` is declared, not from lib.rs"
            );
            let there = row(other).unwrap_or_else(|| panic!("say in which layer `{other}` stands"));
            let (from, to) = (SHOP_LAYERS[here].0, SHOP_LAYERS[there].0);
            if there > here {
                upward.push(format!("{module} ({from}) imports {other} ({to})"));
            }
            if let (Some(one), Some(another)) = (service(module), service(other))
                && one != another
            {
                upward.push(format!("the service {one} imports {other}"));
            }
        }
    }
    assert!(
        upward.is_empty(),
        "{} upward imports: {upward:#?}",
        upward.len()
    );
}

#[test]
fn every_row_of_the_table_stands_for_a_module() {
    let sources = Sources::read("shop/src");
    let gone: Vec<_> = SHOP_LAYERS
        .iter()
        .flat_map(|(_, entries)| entries.iter())
        .map(|entry| entry.trim_end_matches("::"))
        .filter(|entry| !sources.code.contains_key(*entry))
        .collect();
    assert!(
        gone.is_empty(),
        "there is no such module any more: {gone:?}"
    );
}

#[test]
fn imports_are_read_whatever_their_shape() {
    let code = without_tests(&without_texts(
        "use crate::{a::{b, c as d}, e};\n// use crate::comment;\nuse super::f;\nconst X: &str = \"crate::text\";\n\
         const Y: char = '\"';\nfn g<'a>(_: &'a str) { crate::h::i() }\nmod inline { use super::super::j; }\n\
         #[cfg(test)]\nmod tests { use crate::test; }\npub(in crate::k) struct L;\nuse std::fmt;\n",
    ));
    let mut paths: Vec<String> = absolute_paths("m::n", &code)
        .expect("readable")
        .iter()
        .map(|path| path.join("::"))
        .collect();
    paths.sort();
    paths.dedup();
    assert_eq!(paths, ["a::b", "a::c", "e", "h::i", "m::f", "m::j"]);
    assert!(expanded("crate::{a").is_err() && expanded("crate::a!b").is_err());
    let circle = [("a", "b"), ("b", "c"), ("c", "a"), ("d", "a")];
    let imports = circle.map(|(from, to)| (from.to_owned(), BTreeSet::from([to.to_owned()])));
    assert_eq!(circles(&imports.into()), [["a", "b", "c"]]);
}
