//! Links between operations: an id for `/users/{id}` is that of the first user in the list of `/users`.

use indexmap::IndexMap;
use serde_json::{Value, json};

use super::super::draft::{DraftRequest, Item};
use super::super::vault::snake;
use super::document::Document;

/// Under which keys of an answer its list stands, if it is not the answer itself.
const ITEM_DEPTH_MAX: usize = 2;

/// Lists that are asked for already, by their path.
#[derive(Debug, Default)]
pub(super) struct Lists {
    by_path: IndexMap<String, List>,
    variables: Vec<String>,
}

/// A list, and what its items have.
#[derive(Debug)]
struct List {
    /// Which of the journey's items asks for it.
    item: usize,
    /// JSON pointer to its first item.
    first: String,
    /// Keys of an item.
    keys: Vec<String>,
    /// Variables by key.
    taken: IndexMap<String, String>,
}

impl Lists {
    /// Takes note of what a GET of this path answers with; it is the journey's item `index`.
    pub(super) fn learn(
        &mut self,
        document: &Document,
        path: &str,
        answer: Option<&Value>,
        index: usize,
    ) {
        let Some(schema) = answer else {
            return;
        };
        if let Some((first, keys)) = list(document, schema, "", 0) {
            let list = List {
                item: index,
                first,
                keys,
                taken: IndexMap::new(),
            };
            self.by_path.entry(path.to_owned()).or_insert(list);
        }
    }

    /// The variable for a parameter that stands behind `path`, taken from the list there.
    pub(super) fn variable(
        &mut self,
        path: &str,
        parameter: &str,
        items: &mut [Item],
    ) -> Option<String> {
        let list = self.by_path.get_mut(path.trim_end_matches('/'))?;
        let wanted = snake(parameter);
        let named = |key: &&String| snake(key) == wanted;
        let is_id = |key: &&String| wanted.ends_with("id") && snake(key) == "id";
        let key = list
            .keys
            .iter()
            .find(named)
            .or_else(|| list.keys.iter().find(is_id))?
            .clone();
        if let Some(variable) = list.taken.get(&key) {
            return Some(variable.clone());
        }
        let request: &mut DraftRequest = match items.get_mut(list.item)? {
            Item::One(request) => request,
            _ => return None,
        };
        let noun = path
            .rsplit('/')
            .find(|part| !part.is_empty() && !part.contains('{'))
            .unwrap_or("item");
        let noun = noun.strip_suffix('s').unwrap_or(noun);
        let mut variable = snake(&format!("{noun}_{key}"));
        while self.variables.contains(&variable) {
            variable.push_str("_2");
        }
        let step = key.replace('~', "~0").replace('/', "~1");
        request
            .extract
            .insert(variable.clone(), json!(format!("{}/{step}", list.first)));
        request
            .remarks
            .push(format!("${{{variable}}} is the first one of this answer."));
        list.taken.insert(key, variable.clone());
        self.variables.push(variable.clone());
        Some(variable)
    }

    /// All variables.
    pub(super) fn variables(&self) -> Vec<String> {
        self.variables.clone()
    }
}

/// Where in an answer the first item of a list stands, and the keys that it has.
fn list(
    document: &Document,
    schema: &Value,
    pointer: &str,
    depth: usize,
) -> Option<(String, Vec<String>)> {
    let schema = document.resolved(schema);
    if let Some(items) = schema.get("items") {
        let keys = keys(document, items);
        return (!keys.is_empty()).then(|| (format!("{pointer}/0"), keys));
    }
    if depth >= ITEM_DEPTH_MAX {
        return None;
    }
    let parts = schema
        .get("allOf")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    let properties = schema
        .get("properties")
        .and_then(Value::as_object)
        .into_iter()
        .flatten();
    let below = properties.map(|(key, value)| {
        let step = key.replace('~', "~0").replace('/', "~1");
        (format!("{pointer}/{step}"), value)
    });
    let same = parts.map(|part| (pointer.to_owned(), part));
    let mut all = below.chain(same);
    all.find_map(|(pointer, value)| list(document, value, &pointer, depth + 1))
}

fn keys(document: &Document, schema: &Value) -> Vec<String> {
    let schema = document.resolved(schema);
    let own = schema
        .get("properties")
        .and_then(Value::as_object)
        .into_iter()
        .flatten();
    let mut found: Vec<String> = own.map(|(key, _)| key.clone()).collect();
    for part in schema
        .get("allOf")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        let part = document
            .resolved(part)
            .get("properties")
            .and_then(Value::as_object);
        found.extend(part.into_iter().flatten().map(|(key, _)| key.clone()));
    }
    found
}
