//! Walks a JSON Schema and a tree side by side and says, in words, where they part.
//!
//! Understands what schemars derives: `$ref`, `type`, `enum`, `const`, `pattern`, numeric and length bounds,
//! `properties`, `required`, `additionalProperties`, `items`, `anyOf`, `oneOf`, `allOf`. Of several alternatives the
//! one that the author most likely meant is chosen first (by the kind of value, then by keys), so that a slip deep
//! inside is reported there and not as "matches none of eleven".

mod alternatives;
mod words;

use std::collections::HashMap;

use regex::Regex;
use serde_json::Value;

use crate::problem::Problem;
use crate::suggest::{closest, did_you_mean};
use crate::tree::{Entry, Kind, Node, Span};
use words::{join_keys, summary};

/// Longest chain of `$ref`s followed; a longer one is a loop.
const REFERENCES_MAX: usize = 16;

/// One check of one tree.
pub(crate) struct Walk<'s> {
    root: &'s Value,
    patterns: HashMap<&'s str, Option<Regex>>,
    problems: Vec<Problem>,
    /// Values and keys that are wrong: what is left without them can still be read.
    wrong: Vec<Span>,
    /// Values of the right type and the wrong form.
    doubtful: Vec<Span>,
}

/// What a walk finds.
pub(crate) struct Findings {
    pub(crate) problems: Vec<Problem>,
    /// Values (by their span) and entries (by their key's span) that are wrong.
    pub(crate) wrong: Vec<Span>,
    /// Values that can be read, but are known to be mistakes.
    pub(crate) doubtful: Vec<Span>,
}

/// What a value is called and where its key stands.
#[derive(Clone, Copy)]
struct Context<'a> {
    /// The key under which the value stands.
    key: Option<&'a str>,
    /// What the schema says about the key, when it says more than the value's own schema.
    about: Option<&'a str>,
    /// Text to underline for what is missing: the key, or the value itself.
    head: Span,
}

impl<'s> Walk<'s> {
    pub(crate) fn new(root: &'s Value) -> Self {
        Self {
            root,
            patterns: HashMap::new(),
            problems: Vec::new(),
            wrong: Vec::new(),
            doubtful: Vec::new(),
        }
    }

    pub(crate) fn check(mut self, node: &Node) -> Findings {
        let context = Context {
            key: None,
            about: None,
            head: head(node),
        };
        self.value(self.root, node, context);
        Findings {
            problems: self.problems,
            wrong: self.wrong,
            doubtful: self.doubtful,
        }
    }

    /// Reports a value that has the right type.
    fn doubtful(&mut self, blamed: Span, problem: Problem) {
        self.doubtful.push(blamed);
        self.problems.push(problem);
    }

    /// Reports, and remembers which value or entry is to blame.
    fn wrong(&mut self, blamed: Span, problem: Problem) {
        self.wrong.push(blamed);
        self.problems.push(problem);
    }

    fn value(&mut self, schema: &'s Value, node: &Node, context: Context<'_>) {
        let outer = schema;
        let schema = self.resolve(schema);
        let about = context.about.or_else(|| outer.get("description")?.as_str());
        let context = Context { about, ..context };
        if schema.get("$comment").is_none() && node.kind == Kind::Null && !accepts_anything(schema)
        {
            return self.nothing(schema, node, context);
        }
        if let Some(branches) = branches(schema) {
            return self.alternatives(schema, branches, node, context);
        }
        for part in schema
            .get("allOf")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            self.value(part, node, context);
        }
        if !self.has_type(schema, node, context) {
            return;
        }
        match &node.kind {
            Kind::Text(text, _) => self.text(schema, text, node, context),
            Kind::Int(number) => self.number(schema, *number as f64, node, context),
            Kind::Float(number) => self.number(schema, *number, node, context),
            Kind::List(items) => self.list(schema, items, node, context),
            Kind::Map(_) => self.map(schema, node, context),
            Kind::Null | Kind::Bool(_) => {}
        }
    }

    fn resolve(&self, schema: &'s Value) -> &'s Value {
        let mut schema = schema;
        for _ in 0..REFERENCES_MAX {
            let Some(reference) = schema.get("$ref").and_then(Value::as_str) else {
                break;
            };
            let target = reference
                .strip_prefix('#')
                .and_then(|pointer| self.root.pointer(pointer));
            let Some(target) = target else { break };
            schema = target;
        }
        schema
    }

    fn nothing(&mut self, schema: &'s Value, node: &Node, context: Context<'_>) {
        let wanted = self.nouns(schema).join(" or ");
        let problem = match context.key {
            Some(key) => Problem::new(context.head, format!("`{key}` has no value"))
                .label("nothing follows")
                .help(format!("expected {wanted}; or leave the key out")),
            None => Problem::new(node.span, format!("expected {wanted}")).label("there is nothing"),
        };
        self.wrong(node.span, problem);
    }

    /// What a value of this schema may be.
    fn nouns(&self, schema: &'s Value) -> Vec<String> {
        if let Some(noun) = words::noun(schema) {
            return vec![noun];
        }
        let Some(branches) = branches(schema) else {
            return words::type_noun(schema).into_iter().collect();
        };
        let leaves = self.flatten(branches);
        leaves
            .iter()
            .filter_map(|leaf| alternatives::noun(leaf))
            .collect()
    }

    fn has_type(&mut self, schema: &'s Value, node: &Node, context: Context<'_>) -> bool {
        if accepts_kind(schema, node) {
            return true;
        }
        let name = context
            .key
            .map_or_else(String::new, |key| format!("`{key}`: "));
        let wanted = self.expected(schema, context);
        let problem = Problem::new(head(node), format!("{name}{wanted}"))
            .label(format!("this is {}", node.noun()));
        self.wrong(
            node.span,
            problem
                .help_maybe(quote_hint(schema, node))
                .help_maybe(summary(schema, context.about)),
        );
        false
    }

    fn text(&mut self, schema: &'s Value, text: &str, node: &Node, context: Context<'_>) {
        if let Some(allowed) = constants(schema) {
            return self.one_of(&allowed, text, node, context);
        }
        if text.is_empty()
            && schema
                .get("minLength")
                .is_some_and(|least| least.as_u64() > Some(0))
        {
            let name = context.key.unwrap_or("this text");
            self.doubtful(
                node.span,
                Problem::new(node.span, format!("`{name}` is empty"))
                    .label("nothing in it")
                    .help_maybe(summary(schema, context.about)),
            );
            return;
        }
        if let Some(most) = schema.get("maxLength").and_then(Value::as_u64)
            && text.chars().count() as u64 > most
        {
            self.doubtful(
                node.span,
                Problem::new(
                    head(node),
                    format!("this text is longer than {most} characters"),
                ),
            );
        }
        self.pattern(schema, text, node, context);
    }

    fn pattern(&mut self, schema: &'s Value, text: &str, node: &Node, context: Context<'_>) {
        let Some(pattern) = schema.get("pattern").and_then(Value::as_str) else {
            return;
        };
        if self.matches(pattern, text) {
            return;
        }
        let noun = words::noun(schema).unwrap_or_else(|| "what is expected here".to_owned());
        let label = match text.trim_start().starts_with('-') {
            true => "must not be negative".to_owned(),
            false => format!("not {noun}"),
        };
        self.doubtful(
            node.span,
            Problem::new(
                head(node),
                format!("`{}` is not {noun}", words::short(text)),
            )
            .label(label)
            .help_maybe(summary(schema, None).or_else(|| summary(schema, context.about))),
        );
    }

    fn one_of(&mut self, allowed: &[&str], text: &str, node: &Node, context: Context<'_>) {
        if allowed.contains(&text) {
            return;
        }
        let name = context
            .key
            .map_or_else(String::new, |key| format!(" for `{key}`"));
        self.wrong(
            node.span,
            Problem::new(
                node.span,
                format!("`{}` is not a value{name}", words::short(text)),
            )
            .label("unknown value")
            .help_maybe(did_you_mean(text, allowed.iter().copied()))
            .help(format!("allowed: {}", allowed.join(", "))),
        );
    }

    fn number(&mut self, schema: &'s Value, number: f64, node: &Node, context: Context<'_>) {
        let bound = |name: &str| schema.get(name).and_then(Value::as_f64);
        let allowed = [
            bound("minimum").map(|least| (number >= least, format!("at least {least}"))),
            bound("exclusiveMinimum").map(|least| (number > least, format!("above {least}"))),
            bound("maximum").map(|most| (number <= most, format!("at most {most}"))),
            bound("exclusiveMaximum").map(|most| (number < most, format!("below {most}"))),
        ];
        let allowed: Vec<(bool, String)> = allowed.into_iter().flatten().collect();
        if allowed.iter().all(|(holds, _)| *holds) {
            return;
        }
        let range: Vec<&str> = allowed.iter().map(|(_, words)| words.as_str()).collect();
        let name = context.key.unwrap_or("this number");
        self.wrong(
            node.span,
            Problem::new(node.span, format!("`{name}` is out of range"))
                .label(format!("must be {}", range.join(" and ")))
                .help_maybe(summary(schema, context.about)),
        );
    }

    fn list(&mut self, schema: &'s Value, items: &[Node], node: &Node, context: Context<'_>) {
        let length = items.len() as u64;
        let name = context
            .key
            .map_or_else(|| "this list".to_owned(), |key| format!("`{key}`"));
        let least = schema.get("minItems").and_then(Value::as_u64).unwrap_or(0);
        let most = schema
            .get("maxItems")
            .and_then(Value::as_u64)
            .unwrap_or(u64::MAX);
        if length < least {
            let message = if length == 0 {
                format!("{name} is empty")
            } else {
                format!("{name} has too few items")
            };
            self.doubtful(
                node.span,
                Problem::new(head(node), message)
                    .label(format!("needs at least {least}"))
                    .help_maybe(summary(schema, context.about)),
            );
        }
        if length > most {
            let problem = Problem::new(head(node), format!("{name} has too many items"));
            self.problems
                .push(problem.label(format!("{length} items, at most {most} are allowed")));
        }
        if let Some(of) = schema.get("items") {
            for item in items {
                self.value(
                    of,
                    item,
                    Context {
                        key: None,
                        about: None,
                        head: head(item),
                    },
                );
            }
        }
    }

    fn map(&mut self, schema: &'s Value, node: &Node, context: Context<'_>) {
        let Kind::Map(entries) = &node.kind else {
            return;
        };
        let known = schema.get("properties").and_then(Value::as_object);
        let others = schema.get("additionalProperties");
        let patterns = schema.get("patternProperties").and_then(Value::as_object);
        for entry in entries {
            let inner = Context {
                key: Some(&entry.key),
                about: None,
                head: entry.key_span,
            };
            if let Some(of) = known.and_then(|known| known.get(&entry.key)) {
                self.value(of, &entry.value, inner);
            } else if let Some(patterns) = patterns {
                self.named_entry(patterns, entry, inner);
            } else {
                match others {
                    Some(Value::Bool(false)) => {
                        self.unknown_key(schema, &entry.key, entry.key_span, node);
                    }
                    Some(of) => self.value(of, &entry.value, inner),
                    None => {}
                }
            }
        }
        self.required(schema, node, context);
        self.blame_whole(schema, node);
        let least = schema
            .get("minProperties")
            .and_then(Value::as_u64)
            .unwrap_or(0);
        if (entries.len() as u64) < least {
            let name = context
                .key
                .map_or_else(|| "this mapping".to_owned(), |key| format!("`{key}`"));
            let message = if entries.is_empty() {
                format!("{name} is empty")
            } else {
                format!("{name} has too few entries")
            };
            let problem = Problem::new(head(node), message);
            self.doubtful(
                node.span,
                problem
                    .label(format!("needs at least {least}"))
                    .help_maybe(summary(schema, context.about)),
            );
        }
    }

    fn required(&mut self, schema: &'s Value, node: &Node, context: Context<'_>) {
        for key in schema
            .get("required")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            let Some(key) = key.as_str().filter(|key| node.get(key).is_none()) else {
                continue;
            };
            if misspelt(schema, node, key) {
                // The unknown key next to it is reported with the right name already.
                self.wrong.push(node.span);
                continue;
            }
            let property = schema.get("properties").and_then(|all| all.get(key));
            let meaning =
                property.and_then(|of| summary(self.resolve(of), of.get("description")?.as_str()));
            let owner = words::owner(schema, context.key);
            self.wrong(
                node.span,
                Problem::new(context.head, format!("{owner} lacks `{key}`"))
                    .label(format!("add `{key}: …` here"))
                    .help(meaning.map_or_else(String::new, |meaning| format!("{key}: {meaning}"))),
            );
        }
    }

    /// Without a required value the mapping cannot be read, either.
    fn blame_whole(&mut self, schema: &Value, node: &Node) {
        let required = schema.get("required").and_then(Value::as_array);
        let keys = required.into_iter().flatten().filter_map(Value::as_str);
        let mut values = keys.filter_map(|key| node.get(key));
        if values.any(|value| self.wrong.contains(&value.span)) {
            self.wrong.push(node.span);
        }
    }

    /// An entry whose key is a name of the author's choice, in a given form.
    fn named_entry(
        &mut self,
        patterns: &'s serde_json::Map<String, Value>,
        entry: &Entry,
        context: Context<'_>,
    ) {
        for (pattern, of) in patterns {
            if self.matches(pattern, &entry.key) {
                return self.value(of, &entry.value, context);
            }
        }
        let form = patterns.keys().find_map(|pattern| self.form(pattern));
        let noun = form.and_then(words::noun);
        let noun = noun.unwrap_or_else(|| "a name that is allowed here".to_owned());
        let key = words::short(&entry.key);
        let problem = Problem::new(entry.key_span, format!("`{key}` is not {noun}"))
            .label(format!("not {noun}"))
            .help_maybe(form.and_then(|form| summary(form, None)));
        self.wrong(entry.key_span, problem);
    }

    /// The text format that has this pattern: it knows its name and its description.
    fn form(&self, pattern: &str) -> Option<&'s Value> {
        let formats = self.root.get("$defs")?.as_object()?;
        formats
            .values()
            .find(|format| format.get("pattern").and_then(Value::as_str) == Some(pattern))
    }

    fn matches(&mut self, pattern: &'s str, text: &str) -> bool {
        let regex = self
            .patterns
            .entry(pattern)
            .or_insert_with(|| Regex::new(pattern).ok());
        regex.as_ref().is_none_or(|regex| regex.is_match(text))
    }

    fn unknown_key(&mut self, schema: &'s Value, key: &str, span: Span, node: &Node) {
        let keys = property_names(schema);
        let unused = keys.iter().copied().filter(|key| node.get(key).is_none());
        self.wrong(
            span,
            Problem::new(span, format!("unknown key `{}`", words::short(key)))
                .label(format!("{} has no such key", words::owner(schema, None)))
                .help_maybe(did_you_mean(key, unused))
                .help(format!("keys here: {}", join_keys(&keys))),
        );
    }

    /// What may stand here, as half a sentence.
    fn expected(&self, schema: &'s Value, context: Context<'_>) -> String {
        let about = context.about.map(words::first_sentence);
        match words::noun(schema) {
            Some(noun) => format!("expected {noun}"),
            None => match (words::type_noun(schema), about) {
                (Some(noun), _) => format!("expected {noun}"),
                (None, Some(about)) => format!("expected {about}"),
                (None, None) => "expected something else".to_owned(),
            },
        }
    }
}

fn head(node: &Node) -> Span {
    node.head()
}

/// Whether a mapping has an unknown key that looks like `wanted`.
fn misspelt(schema: &Value, node: &Node, wanted: &str) -> bool {
    let Kind::Map(entries) = &node.kind else {
        return false;
    };
    let known = property_names(schema);
    let closed = schema.get("additionalProperties") == Some(&Value::Bool(false));
    let unknown = entries
        .iter()
        .filter(|entry| !known.contains(&entry.key.as_str()));
    closed
        && unknown
            .into_iter()
            .any(|entry| closest(&entry.key, known.iter().copied()) == Some(wanted))
}

fn branches(schema: &Value) -> Option<&Vec<Value>> {
    let all = schema
        .get("anyOf")
        .or_else(|| schema.get("oneOf"))?
        .as_array()?;
    // Unit variants are a plain list of words.
    (constants(schema).is_none()).then_some(all)
}

/// The allowed texts, if the schema is a plain list of them.
fn constants(schema: &Value) -> Option<Vec<&str>> {
    if let Some(one) = schema.get("const") {
        return Some(vec![one.as_str()?]);
    }
    if let Some(all) = schema.get("enum").and_then(Value::as_array) {
        return Some(all.iter().filter_map(Value::as_str).collect());
    }
    let branches = schema
        .get("oneOf")
        .or_else(|| schema.get("anyOf"))?
        .as_array()?;
    let mut words = Vec::new();
    for branch in branches {
        match constants(branch) {
            Some(of_branch) => words.extend(of_branch),
            None if is_null(branch) => {}
            None => return None,
        }
    }
    Some(words)
}

fn is_null(schema: &Value) -> bool {
    schema.get("type").and_then(Value::as_str) == Some("null")
}

fn accepts_anything(schema: &Value) -> bool {
    match schema {
        Value::Bool(all) => *all,
        Value::Object(rules) => !rules.keys().any(|rule| {
            [
                "type",
                "anyOf",
                "oneOf",
                "allOf",
                "enum",
                "const",
                "properties",
                "items",
                "$ref",
            ]
            .contains(&rule.as_str())
        }),
        _ => true,
    }
}

fn accepts_kind(schema: &Value, node: &Node) -> bool {
    let accepts = |name: &str| {
        matches!(
            (name, &node.kind),
            ("null", Kind::Null)
                | ("boolean", Kind::Bool(_))
                | ("integer", Kind::Int(_))
                | ("number", Kind::Int(_) | Kind::Float(_))
                | ("string", Kind::Text(..))
                | ("array", Kind::List(_))
                | ("object", Kind::Map(_))
        )
    };
    match schema.get("type") {
        Some(Value::String(name)) => accepts(name),
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).any(accepts),
        _ if constants(schema).is_some() => matches!(node.kind, Kind::Text(..)),
        _ => true,
    }
}

fn property_names(schema: &Value) -> Vec<&str> {
    let properties = schema.get("properties").and_then(Value::as_object);
    properties
        .into_iter()
        .flatten()
        .map(|(key, _)| key.as_str())
        .collect()
}

/// A number where text is wanted usually lacks a unit; a text that looks like a number, quotes too many.
fn quote_hint(schema: &Value, node: &Node) -> Option<String> {
    let wants = |name: &str| schema.get("type").and_then(Value::as_str) == Some(name);
    match &node.kind {
        Kind::Bool(_) if wants("string") => {
            Some("put it in quotes if it is meant as text".to_owned())
        }
        Kind::Text(text, _)
            if (wants("integer") || wants("number")) && text.parse::<f64>().is_ok() =>
        {
            Some("leave the quotes out".to_owned())
        }
        _ => None,
    }
}
