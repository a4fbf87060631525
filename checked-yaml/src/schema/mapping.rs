//! Checks of mappings: known, unknown and missing keys.

use serde_json::Value;

use super::facts::property_names;
use super::words::{self, join_keys, summary};
use super::{Context, Walk, head};
use crate::problem::Problem;
use crate::suggest::{closest, did_you_mean};
use crate::tree::{Entry, Kind, Node, Span};

impl<'s> Walk<'s> {
    pub(super) fn map(&mut self, schema: &'s Value, node: &Node, context: Context<'_>) {
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

    /// Without a required value the mapping cannot be read, either.
    fn blame_whole(&mut self, schema: &Value, node: &Node) {
        let required = schema.get("required").and_then(Value::as_array);
        let keys = required.into_iter().flatten().filter_map(Value::as_str);
        let mut values = keys.filter_map(|key| node.get(key));
        if values.any(|value| self.wrong.contains(&value.span)) {
            self.wrong.push(node.span);
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
