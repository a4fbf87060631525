//! Choosing the alternative that an author most likely meant.
//!
//! Only the likeliest ones are checked in depth. Alternatives that cannot be told apart by kind of value or by keys
//! are each tried, so formats should give every alternative a key of its own.

use serde_json::Value;

use super::facts::{accepts_anything, accepts_kind, branches, constants, is_null, property_names};
use super::{Context, Walk, head, words};
use crate::problem::Problem;
use crate::suggest::{closest, did_you_mean};
use crate::tree::{Kind, Node, Span};

impl<'s> Walk<'s> {
    pub(super) fn alternatives(
        &mut self,
        schema: &'s Value,
        branches: &'s [Value],
        node: &Node,
        context: Context<'_>,
    ) {
        let all: Vec<&'s Value> = self.flatten(branches);
        let fitting: Vec<&'s Value> = all
            .iter()
            .copied()
            .filter(|branch| accepts_kind(branch, node))
            .collect();
        match (fitting.as_slice(), &node.kind) {
            ([], _) if all.len() == 1 => self.value(all[0], node, context),
            ([], _) => self.none_fits(schema, &all, node, context),
            ([one], _) => self.value(one, node, context),
            (several, Kind::Map(_)) => self.by_keys(schema, several, node, context),
            (several, _) => self.by_trial(several, node, context),
        }
    }

    /// All leaves of nested alternatives, references followed, `null` left out.
    pub(super) fn flatten(&self, alternatives: &'s [Value]) -> Vec<&'s Value> {
        let mut leaves = Vec::new();
        for branch in alternatives
            .iter()
            .map(|branch| self.resolve(branch))
            .filter(|branch| !is_null(branch))
        {
            match branches(branch) {
                Some(inner) => leaves.extend(self.flatten(inner)),
                None => leaves.push(branch),
            }
        }
        leaves
    }

    fn none_fits(
        &mut self,
        schema: &'s Value,
        branches: &[&'s Value],
        node: &Node,
        context: Context<'_>,
    ) {
        let mut nouns: Vec<String> = branches.iter().filter_map(|branch| noun(branch)).collect();
        nouns.dedup();
        let name = context
            .key
            .map_or_else(String::new, |key| format!("`{key}`: "));
        let wanted = words::noun(schema).unwrap_or_else(|| nouns.join(" or "));
        self.wrong(
            node.span,
            Problem::new(head(node), format!("{name}expected {wanted}"))
                .label(format!("this is {}", node.noun()))
                .help_maybe(words::summary(schema, context.about)),
        );
    }

    fn by_keys(
        &mut self,
        schema: &'s Value,
        branches: &[&'s Value],
        node: &Node,
        context: Context<'_>,
    ) {
        if let Some(tag) = shared_tag(branches) {
            return self.by_tag(tag, branches, node, context);
        }
        let best = branches
            .iter()
            .map(|branch| score(branch, node))
            .max()
            .unwrap_or_default();
        let likely: Vec<&'s Value> = branches
            .iter()
            .copied()
            .filter(|branch| score(branch, node) == best)
            .collect();
        match likely.as_slice() {
            [one] => self.value(one, node, context),
            _ if best == Score::default() => self.no_known_key(schema, branches, node),
            several => self.by_trial(several, node, context),
        }
    }

    /// Alternatives told apart by the value of one key.
    fn by_tag(&mut self, tag: &'s str, branches: &[&'s Value], node: &Node, context: Context<'_>) {
        let allowed: Vec<&str> = branches
            .iter()
            .filter_map(|branch| tag_value(branch, tag))
            .collect();
        let Some(entry) = node.entry(tag) else {
            self.wrong(
                node.span,
                Problem::new(
                    context.head,
                    format!("{} lacks `{tag}`", words::owner(&Value::Null, context.key)),
                )
                .label(format!("add `{tag}: …` here"))
                .help(format!("{tag} is one of: {}", allowed.join(", "))),
            );
            return;
        };
        let Kind::Text(word, _) = &entry.value.kind else {
            let inner = Context {
                key: Some(tag),
                about: None,
                head: entry.key_span,
            };
            return self.one_of(
                &allowed,
                &format!("{}", entry.value.to_json()),
                &entry.value,
                inner,
            );
        };
        let chosen = branches
            .iter()
            .find(|branch| tag_value(branch, tag) == Some(word));
        match chosen {
            Some(branch) => self.value(branch, node, context),
            None => {
                let inner = Context {
                    key: Some(tag),
                    about: None,
                    head: entry.key_span,
                };
                self.one_of(&allowed, word, &entry.value, inner);
            }
        }
    }

    fn no_known_key(&mut self, schema: &'s Value, branches: &[&'s Value], node: &Node) {
        let keys: Vec<&str> = branches
            .iter()
            .flat_map(|branch| first_keys(branch))
            .collect();
        let given = match &node.kind {
            Kind::Map(entries) => entries
                .iter()
                .map(|entry| (entry.key.as_str(), entry.key_span))
                .collect(),
            _ => Vec::new(),
        };
        let owner = words::noun(schema).unwrap_or_else(|| "this mapping".to_owned());
        let slip = given
            .iter()
            .find(|(key, _)| closest(key, keys.iter().copied()).is_some())
            .or(given.first());
        let problem = match slip {
            Some((key, span)) => {
                Problem::new(*span, format!("unknown key `{}`", words::short(key)))
                    .label(format!("{owner} has no such key"))
                    .help_maybe(did_you_mean(key, keys.iter().copied()))
            }
            None => Problem::new(node.span, format!("{owner} is empty")),
        };
        self.problems
            .push(problem.help(format!("{owner} has one of: {}", words::join_keys(&keys))));
    }

    /// Tries each; if none passes, reports the one with the fewest problems.
    fn by_trial(&mut self, branches: &[&'s Value], node: &Node, context: Context<'_>) {
        let before = (
            std::mem::take(&mut self.problems),
            std::mem::take(&mut self.wrong),
        );
        let mut fewest: Option<(Vec<Problem>, Vec<Span>)> = None;
        for branch in branches {
            self.value(branch, node, context);
            let found = (
                std::mem::take(&mut self.problems),
                std::mem::take(&mut self.wrong),
            );
            if fewest
                .as_ref()
                .is_none_or(|fewest| found.0.len() < fewest.0.len())
            {
                fewest = Some(found);
            }
        }
        (self.problems, self.wrong) = before;
        let (problems, wrong) = fewest.unwrap_or_default();
        if problems.is_empty() {
            return;
        }
        match node.kind {
            Kind::Map(_) | Kind::List(_) => {
                self.problems.extend(problems);
                self.wrong.extend(wrong);
            }
            _ => self.no_scalar_fits(branches, node, context),
        }
    }

    fn no_scalar_fits(&mut self, branches: &[&'s Value], node: &Node, context: Context<'_>) {
        let shown = match &node.kind {
            Kind::Text(text, _) => words::short(text),
            _ => node.to_json().to_string(),
        };
        let words: Vec<&str> = branches
            .iter()
            .filter_map(|branch| constants(branch))
            .flatten()
            .collect();
        let nouns: Vec<String> = branches.iter().filter_map(|branch| noun(branch)).collect();
        let name = context
            .key
            .map_or_else(String::new, |key| format!(" for `{key}`"));
        let mut problem = Problem::new(node.span, format!("`{shown}` is not a value{name}"))
            .label("unknown value")
            .help_maybe(did_you_mean(&shown, words))
            .help(format!("allowed: {}", nouns.join(", ")));
        for branch in branches.iter().filter(|branch| constants(branch).is_none()) {
            problem = problem.help_maybe(words::summary(branch, None));
        }
        self.wrong(node.span, problem);
    }
}

/// What a value of one alternative is called.
pub(super) fn noun(branch: &Value) -> Option<String> {
    if let Some(words) = constants(branch) {
        let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
        return Some(quoted.join(" or "));
    }
    words::noun(branch).or_else(|| words::type_noun(branch))
}

/// How well a mapping's keys fit an alternative: first keys that only it must have, then keys in common.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Score {
    required: usize,
    known: usize,
    open: bool,
}

fn score(branch: &Value, node: &Node) -> Score {
    let Kind::Map(entries) = &node.kind else {
        return Score::default();
    };
    if accepts_anything(branch) {
        return Score {
            open: true,
            ..Score::default()
        };
    }
    let required: Vec<&str> = leading_keys(branch);
    let known = property_names(branch);
    let count = |keys: &[&str]| {
        entries
            .iter()
            .filter(|entry| keys.contains(&entry.key.as_str()))
            .count()
    };
    Score {
        required: count(&required).min(1),
        known: count(&known),
        open: false,
    }
}

/// The keys by which an alternative is recognised: what it requires, or all it has.
fn leading_keys(branch: &Value) -> Vec<&str> {
    if let Some(keys) = branch.get("x-leading-keys").and_then(Value::as_array) {
        return keys.iter().filter_map(Value::as_str).collect();
    }
    match branch.get("required").and_then(Value::as_array) {
        Some(keys) if !keys.is_empty() => keys.iter().filter_map(Value::as_str).collect(),
        _ => property_names(branch),
    }
}

/// The same for a list of possibilities: one key for each alternative that has no choice of keys.
fn first_keys(branch: &Value) -> Vec<&str> {
    let keys = leading_keys(branch);
    let chosen = branch.get("x-leading-keys").is_some();
    keys.into_iter()
        .take(if chosen { usize::MAX } else { 1 })
        .collect()
}

/// The key whose constant value tells all of the alternatives apart.
fn shared_tag<'s>(branches: &[&'s Value]) -> Option<&'s str> {
    let first = *branches.first()?;
    property_names(first).into_iter().find(|key| {
        branches
            .iter()
            .all(|branch| tag_value(branch, key).is_some())
    })
}

fn tag_value<'s>(branch: &'s Value, tag: &str) -> Option<&'s str> {
    branch.get("properties")?.get(tag)?.get("const")?.as_str()
}
