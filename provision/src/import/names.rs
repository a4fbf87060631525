//! Logical names for objects that have none: from their titles, each once. Pure.

use std::collections::{BTreeMap, BTreeSet};

use alerting::object::{Kind, Remote};

/// Longest name made from a title; a tag with the namespace must fit into the API's 200 characters.
const NAME_MAX: usize = 80;

/// A name for each object, by kind and id. Names are unique over all kinds, so that messages about them are clear.
pub(super) fn names(remotes: &[Remote]) -> BTreeMap<(Kind, String), String> {
    let mut taken = BTreeSet::new();
    let mut names = BTreeMap::new();
    for remote in remotes {
        let own = remote.key().map(|key| key.name);
        let base = own.unwrap_or_else(|| slug(remote.title(), remote.kind));
        let mut name = base.clone();
        let mut count = 2;
        while !taken.insert(name.clone()) {
            name = format!("{base}-{count}");
            count += 1;
        }
        names.insert((remote.kind, remote.id.clone()), name);
    }
    names
}

fn slug(title: &str, kind: Kind) -> String {
    let words = title
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty());
    let mut slug = words
        .map(str::to_ascii_lowercase)
        .collect::<Vec<_>>()
        .join("-");
    slug.truncate(NAME_MAX);
    let slug = slug.trim_end_matches('-');
    if slug.is_empty() {
        kind.word().to_owned()
    } else {
        slug.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn titles_become_names_that_are_unique() {
        let monitor =
            |id: u64, name: &str| Remote::new(Kind::Monitor, json!({ "id": id, "name": name }));
        let remotes: Vec<Remote> = [
            monitor(1, "[prod] CPU > 80 %"),
            monitor(2, "prod cpu 80"),
            monitor(3, "日本"),
        ]
        .into_iter()
        .flatten()
        .collect();
        let names: Vec<String> = names(&remotes).into_values().collect();
        assert_eq!(names, ["prod-cpu-80", "prod-cpu-80-2", "monitor"]);
    }
}
