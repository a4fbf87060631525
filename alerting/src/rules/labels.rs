//! Rules on names, tags, priority and ownership of any kind of definition.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Finding;
use super::view::Everything;
use crate::object::{KEY_TAG, Kind};
use crate::set::{Definition, Item, text_at};

/// Longest tag that is kept whole.
const TAG_CHARACTERS_MAX: usize = 200;

pub(super) fn check(item: &Item, everything: &Everything<'_>) -> Vec<Finding> {
    let mut findings = names(item);
    findings.extend(service(item, everything.services));
    findings.extend(tag_characters(item));
    findings.extend(owner(item));
    if let Definition::Monitor(_) = &item.definition {
        findings.extend(labels(item));
        findings.extend(priority(item, item.object.payload.get("priority")));
    }
    findings
}

fn names(item: &Item) -> Vec<Finding> {
    let field = if item.object.kind == Kind::Dashboard {
        "title"
    } else {
        "name"
    };
    let mut findings = Vec::new();
    let title = text_at(&item.object.payload, field);
    let wrong = if title.trim().is_empty() {
        Some((
            "the name is empty",
            "give it the name that people will see in an alert",
        ))
    } else if title != title.trim() {
        let help = "the API trims it, and every plan would show a difference";
        Some(("the name has white space around it", help))
    } else {
        None
    };
    let finding =
        |(message, help)| Finding::new("name-trimmed", item.place.key(field), message).help(help);
    findings.extend(wrong.map(finding));
    let sound = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    if item.name().is_empty() || !item.name().chars().all(sound) {
        let message = format!("`{}` cannot be a logical name", item.name());
        let finding = Finding::new("logical-name", item.place.clone(), message).on_key();
        findings.push(
            finding.help("it becomes part of a tag: use lower-case letters, digits, `-` and `_`"),
        );
    }
    findings
}

fn tags(item: &Item) -> impl Iterator<Item = &str> {
    item.object
        .payload
        .get("tags")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
}

fn tag_characters(item: &Item) -> Vec<Finding> {
    let kept = |c: char| c.is_alphanumeric() && !c.is_uppercase() || "_-:./".contains(c);
    let sound = |tag: &str| {
        tag.starts_with(char::is_alphabetic)
            && tag.chars().all(kept)
            && !tag.ends_with(':')
            && tag.chars().count() <= TAG_CHARACTERS_MAX
    };
    // The mark is made of a name that has a rule of its own.
    let odd = tags(item).filter(|tag| !sound(tag) && !tag.starts_with(KEY_TAG));
    odd.map(|tag| {
        let finding = Finding::new("tag-characters", item.place.clone(), format!("the tag `{tag}` would not be kept as it is"));
        let value = tag.split_once(':').map_or(tag, |(_, value)| value);
        finding
            .containing(tag)
            .containing(value)
            .help("start with a letter; use lower-case letters, digits and `_ - : . /`, at most 200 characters")
    })
    .collect()
}

fn service(item: &Item, known: &[String]) -> Option<Finding> {
    let service = tags(item).find_map(|tag| tag.strip_prefix("service:"))?;
    if known.is_empty() || known.iter().any(|name| name == service) {
        return None;
    }
    let finding = Finding::new(
        "known-service",
        item.place.key("service"),
        format!("there is no service `{service}`"),
    );
    let close = checked_yaml::did_you_mean(service, known.iter().map(String::as_str));
    let finding = finding.help("list it under `services` in the project file, or correct the name");
    Some(close.into_iter().fold(finding, Finding::help))
}

fn owner(item: &Item) -> Option<Finding> {
    if tags(item).any(|tag| tag.starts_with("team:")) {
        return None;
    }
    let finding = Finding::new(
        "owner",
        item.place.clone(),
        format!("the {} has no owner", item.object.kind),
    );
    Some(
        finding
            .help("add `team: <team>` here or under `defaults`")
            .house(),
    )
}

fn labels(item: &Item) -> Option<Finding> {
    let missing: Vec<&str> = ["service", "env", "severity"]
        .into_iter()
        .filter(|key| !tags(item).any(|tag| tag.starts_with(&format!("{key}:"))))
        .collect();
    if missing.is_empty() {
        return None;
    }
    let message = format!("the monitor has no tag {}", missing.join(", "));
    let finding = Finding::new("labels", item.place.clone(), message);
    Some(finding.help(
        "add `service:` and `severity:`, and `env:${env}` to the tags, here or under `defaults`",
    )
    .house())
}

fn priority(item: &Item, priority: Option<&Value>) -> Option<Finding> {
    let (message, place) = match priority {
        None => {
            let finding = Finding::new(
                "priority",
                item.place.clone(),
                "the monitor has no priority",
            );
            let help =
                "add `priority: 1` (wake someone) to 5 (for information), here or under `defaults`";
            return Some(finding.help(help).house());
        }
        Some(value) if value.as_u64().is_some_and(|value| (1..=5).contains(&value)) => return None,
        Some(value) => (
            format!("the priority is {value}"),
            item.place.key("priority"),
        ),
    };
    Some(
        Finding::new("priority", place, message)
            .help("use an integer from 1 (wake someone) to 5 (for information)"),
    )
}

/// The API refuses a monitor that equals another one.
pub(super) fn duplicates(items: &[Item]) -> Vec<(usize, Finding)> {
    let mut seen: BTreeMap<(String, String, String), &Item> = BTreeMap::new();
    let mut findings = Vec::new();
    let monitors = items
        .iter()
        .enumerate()
        .filter(|(_, item)| item.object.kind == Kind::Monitor);
    for (index, item) in monitors {
        let payload = &item.object.payload;
        let identity = ["type", "query", "name"].map(|field| text_at(payload, field).to_owned());
        let other = seen.entry(identity.into()).or_insert(item);
        if other.place != item.place || other.file != item.file {
            let message = format!("Duplicate of an existing monitor: `{}`", other.name());
            let finding = Finding::new("duplicate-monitor", item.place.clone(), message).on_key();
            let origin = &other.object.origin;
            findings.push((
                index,
                finding.help(format!(
                    "change the name or remove one; the other is in {}:{}",
                    origin.file, origin.line
                )),
            ));
        }
    }
    findings
}
