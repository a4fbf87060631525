//! Walks a JSON Schema and a tree side by side and says, in words, where they part.
//!
//! Understands what schemars derives: `$ref`, `type`, `enum`, `const`, `pattern`, numeric and length bounds,
//! `properties`, `required`, `additionalProperties`, `items`, `anyOf`, `oneOf`, `allOf`. Of several alternatives the
//! one that the author most likely meant is chosen first (by the kind of value, then by keys), so that a slip deep
//! inside is reported there and not as "matches none of eleven".

mod alternatives;
mod facts;
mod mapping;
mod scalar;
mod words;

use std::collections::HashMap;

use regex::Regex;
use serde_json::Value;

use crate::problem::Problem;
use crate::tree::{Kind, Node, Span};
use facts::{accepts_anything, accepts_kind, branches, quote_hint};
use words::summary;

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
