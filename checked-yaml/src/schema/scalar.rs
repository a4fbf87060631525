//! Checks of texts and numbers.

use regex::Regex;
use serde_json::Value;

use super::facts::constants;
use super::words::{self, summary};
use super::{Context, Walk, head};
use crate::problem::Problem;
use crate::suggest::did_you_mean;
use crate::tree::Node;

impl<'s> Walk<'s> {
    pub(super) fn text(
        &mut self,
        schema: &'s Value,
        text: &str,
        node: &Node,
        context: Context<'_>,
    ) {
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

    pub(super) fn one_of(
        &mut self,
        allowed: &[&str],
        text: &str,
        node: &Node,
        context: Context<'_>,
    ) {
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

    pub(super) fn number(
        &mut self,
        schema: &'s Value,
        number: f64,
        node: &Node,
        context: Context<'_>,
    ) {
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

    /// The text format that has this pattern: it knows its name and its description.
    pub(super) fn form(&self, pattern: &str) -> Option<&'s Value> {
        let formats = self.root.get("$defs")?.as_object()?;
        formats
            .values()
            .find(|format| format.get("pattern").and_then(Value::as_str) == Some(pattern))
    }

    pub(super) fn matches(&mut self, pattern: &'s str, text: &str) -> bool {
        let regex = self
            .patterns
            .entry(pattern)
            .or_insert_with(|| Regex::new(pattern).ok());
        regex.as_ref().is_none_or(|regex| regex.is_match(text))
    }
}
