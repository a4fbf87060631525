//! Which series a scope takes (rule S3), and which groups they belong to (rule S4).

use crate::query::tree::{Filter, Term};

/// What makes a scope impossible to evaluate: the text in it and the reason.
pub(super) type Refused = (String, &'static str);

/// Looks for what has no meaning here.
pub(super) fn check(filter: &Filter) -> Result<(), Refused> {
    match filter {
        Filter::Term(Term::Everything | Term::Bare(_)) => Ok(()),
        Filter::Term(Term::Tag { key, value }) => check_value(value, || format!("{key}:{value}")),
        Filter::Term(Term::Variable(name)) => Err((
            format!("${name}"),
            "a dashboard's variable has no value here; write the tag itself",
        )),
        Filter::Not(inner) | Filter::Group(inner) => check(inner),
        Filter::All(items) | Filter::Any(items) => items.iter().try_for_each(check),
        Filter::In { values, .. } => values
            .iter()
            .try_for_each(|value| check_value(value, || value.clone())),
    }
}

fn check_value(value: &str, whole: impl Fn() -> String) -> Result<(), Refused> {
    if value.contains('$') {
        return Err((
            whole(),
            "a dashboard's variable has no value here; write the value itself",
        ));
    }
    let inner = value.strip_prefix('*').unwrap_or(value);
    let inner = inner.strip_suffix('*').unwrap_or(inner);
    match inner.contains('*') {
        true => Err((
            whole(),
            "`*` stands only at the start or the end of a value",
        )),
        false => Ok(()),
    }
}

/// Whether a series with these tags is taken.
pub(super) fn takes(filter: &Filter, tags: &[String]) -> bool {
    match filter {
        Filter::Term(Term::Everything) => true,
        Filter::Term(Term::Bare(word)) => tags.iter().any(|tag| tag.eq_ignore_ascii_case(word)),
        Filter::Term(Term::Variable(_)) => false,
        Filter::Term(Term::Tag { key, value }) => has(tags, key, std::slice::from_ref(value)),
        Filter::Not(inner) => !takes(inner, tags),
        Filter::Group(inner) => takes(inner, tags),
        Filter::All(items) => items.iter().all(|item| takes(item, tags)),
        Filter::Any(items) => items.iter().any(|item| takes(item, tags)),
        Filter::In {
            key,
            negated,
            values,
        } => has(tags, key, values) != *negated,
    }
}

fn has(tags: &[String], key: &str, patterns: &[String]) -> bool {
    values(tags, key).any(|value| patterns.iter().any(|pattern| fits(pattern, value)))
}

/// The values of a tag; a series may have several.
fn values<'t>(tags: &'t [String], key: &str) -> impl Iterator<Item = &'t str> {
    tags.iter()
        .filter_map(|tag| tag.split_once(':'))
        .filter(move |(known, _)| known.eq_ignore_ascii_case(key))
        .map(|(_, value)| value)
}

/// Case does not matter: a server makes all tags lower case.
fn fits(pattern: &str, value: &str) -> bool {
    let (pattern, value) = (pattern.to_ascii_lowercase(), value.to_ascii_lowercase());
    let start = pattern.strip_prefix('*');
    let inner = start.unwrap_or(&pattern);
    match (start.is_some(), inner.strip_suffix('*')) {
        (false, None) => value == pattern,
        (false, Some(inner)) => value.starts_with(inner),
        (true, None) => value.ends_with(inner),
        (true, Some(inner)) => value.contains(inner),
    }
}

/// The groups that a series belongs to: one for each combination of its values; none if it lacks a key.
pub(super) fn groups(tags: &[String], keys: &[String]) -> Vec<Vec<String>> {
    let mut found = vec![Vec::new()];
    for key in keys {
        let named: Vec<String> = values(tags, key)
            .map(|value| format!("{key}:{value}"))
            .collect();
        let with = |group: &Vec<String>| {
            let group = group.clone();
            named.iter().map(move |tag| {
                let mut group = group.clone();
                group.push(tag.clone());
                group
            })
        };
        found = found.iter().flat_map(with).collect();
    }
    found
}
