//! An update shows everything that it changes and changes nothing else, whatever the server has and the files say.

use alerting::diff::Change;
use alerting::object::Kind;
use alerting::update::Update;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// Answers every question of a generator from a list of bytes, so that a failing case shrinks with its list.
struct Choices(std::vec::IntoIter<u8>);

impl Choices {
    fn below(&mut self, count: usize) -> usize {
        usize::from(self.0.next().unwrap_or_default()) % count
    }

    fn yes(&mut self) -> bool {
        self.below(2) == 1
    }

    fn text(&mut self) -> String {
        const TEXTS: &[&str] = &["", "a", "b\nc", "ü ${x}", "d\r\ne", " f ", "g\n"];
        let long = "long ".repeat(60);
        match self.below(TEXTS.len() + 1) {
            0 => format!("{long}{}", self.below(3)),
            at => TEXTS[at - 1].to_owned(),
        }
    }

    fn value(&mut self, depth: usize) -> Value {
        match self.below(if depth == 0 { 6 } else { 9 }) {
            0 => Value::Null,
            1 => json!(self.yes()),
            2 => json!(self.below(4)),
            3 => json!(self.below(4) as f64),
            4 => json!(self.below(8) as f64 / 3.0),
            5 => json!(self.text()),
            6 => self.list(depth),
            _ => self.map(depth),
        }
    }

    fn list(&mut self, depth: usize) -> Value {
        (0..self.below(4)).map(|_| self.value(depth - 1)).collect()
    }

    fn map(&mut self, depth: usize) -> Value {
        let names = ["x", "y", "z", "w"];
        let fields = (0..self.below(4)).map(|at| (names[at].to_owned(), self.value(depth - 1)));
        Value::Object(fields.collect())
    }

    fn words(&mut self) -> Value {
        const WORDS: &[&str] = &["a:a", "b:b", "c:c", "d", "e"];
        let count = self.below(4);
        (0..count)
            .map(|_| json!(WORDS[self.below(WORDS.len())]))
            .collect()
    }

    /// The same value as another client or the server would spell it.
    fn respelt(&mut self, value: &Value) -> Value {
        match value {
            Value::Number(number) => {
                let number = number.as_f64().unwrap_or_default();
                if number.fract() == 0.0 && self.yes() {
                    json!(number as i64)
                } else {
                    json!(number)
                }
            }
            Value::Array(items) => items.iter().map(|item| self.respelt(item)).collect(),
            Value::Object(map) => {
                let kept = map.iter().filter(|(_, item)| !item.is_null());
                Value::Object(
                    kept.map(|(name, item)| (name.clone(), self.respelt(item)))
                        .collect(),
                )
            }
            other => other.clone(),
        }
    }
}

const UNKNOWN: &[&str] = &[
    "brand_new",
    "restricted_roles",
    "draft_status",
    "timeframe_extra",
];

fn known(kind: Kind, choices: &mut Choices) -> Vec<(&'static str, Value)> {
    match kind {
        Kind::Monitor => vec![
            ("name", json!(choices.text())),
            ("type", json!("query alert")),
            ("query", json!(choices.text())),
            ("message", json!(choices.text())),
            (
                "priority",
                [json!(null), json!(1), json!(2.0)][choices.below(3)].clone(),
            ),
            ("tags", choices.words()),
            ("options", options(choices)),
        ],
        Kind::Slo => vec![
            ("name", json!(choices.text())),
            ("description", json!(choices.text())),
            ("type", json!("metric")),
            ("tags", choices.words()),
            ("groups", choices.words()),
            (
                "query",
                json!({ "numerator": choices.text(), "denominator": choices.text() }),
            ),
            ("thresholds", thresholds(choices)),
        ],
        Kind::Dashboard => vec![
            ("title", json!(choices.text())),
            ("description", json!(choices.text())),
            ("layout_type", json!("ordered")),
            ("notify_list", choices.words()),
            ("tags", choices.words()),
            ("template_variables", choices.list(2)),
            ("widgets", widgets(choices, 1)),
        ],
    }
}

fn options(choices: &mut Choices) -> Value {
    let mut options = Map::new();
    let names = [
        "thresholds",
        "notify_no_data",
        "no_data_timeframe",
        "renotify_statuses",
        "include_tags",
        "timeout_h",
        "variables",
        "escalation_message",
        "silenced",
        "avalanche_window",
    ];
    for name in names {
        if choices.yes() {
            let value = match name {
                "thresholds" => critical(choices),
                "silenced" => choices.map(1),
                "renotify_statuses" => choices.words(),
                "variables" => choices.list(2),
                _ => choices.value(0),
            };
            options.insert(name.to_owned(), value);
        }
    }
    Value::Object(options)
}

fn critical(choices: &mut Choices) -> Value {
    let names = ["critical", "warning", "ok", "critical_query"];
    let fields = names.iter().filter_map(|name| {
        let value = choices.value(0);
        choices.yes().then(|| ((*name).to_owned(), value))
    });
    Value::Object(fields.collect())
}

fn thresholds(choices: &mut Choices) -> Value {
    let mut frames = vec!["7d", "30d", "90d"];
    let count = 1 + choices.below(3);
    let mut targets = Vec::new();
    for _ in 0..count {
        let frame = frames.remove(choices.below(frames.len()));
        let mut target = json!({ "timeframe": frame, "target": 90.0 + choices.below(5) as f64 });
        if choices.yes() {
            target["warning"] = json!(95.5);
        }
        targets.push(target);
    }
    Value::Array(targets)
}

fn widgets(choices: &mut Choices, depth: usize) -> Value {
    let count = choices.below(5);
    (0..count)
        .map(|_| {
            let mut definition = choices.map(2);
            definition["type"] = json!("note");
            if depth > 0 && choices.yes() {
                definition["widgets"] = widgets(choices, depth - 1);
            }
            json!({ "definition": definition })
        })
        .collect()
}

/// The server's object: known fields, and others that this tool has never heard of.
fn remote(kind: Kind, choices: &mut Choices) -> Value {
    let mut object = Map::new();
    for (name, value) in known(kind, choices) {
        object.insert(name.to_owned(), value);
    }
    for name in UNKNOWN {
        if choices.yes() {
            let value = if *name == "restricted_roles" {
                choices.words()
            } else {
                choices.value(2)
            };
            object.insert((*name).to_owned(), value);
        }
    }
    if kind == Kind::Slo && choices.yes() {
        let first = object["thresholds"][0].clone();
        object.insert("timeframe".into(), first["timeframe"].clone());
        object.insert("target_threshold".into(), first["target"].clone());
    }
    let mut value = Value::Object(object);
    number(&mut value["widgets"], &mut 100);
    if kind != Kind::Dashboard {
        value
            .as_object_mut()
            .expect("a map")
            .shift_remove("widgets");
    }
    value["id"] = json!("1");
    value
}

fn number(widgets: &mut Value, next: &mut u64) {
    for widget in widgets.as_array_mut().into_iter().flatten() {
        widget["id"] = json!(*next);
        *next += 1;
        if widget["definition"].get("widgets").is_some() {
            number(&mut widget["definition"]["widgets"], next);
        }
    }
}

/// What the files say: each field as it is, spelt otherwise, left out or something else.
fn wanted(kind: Kind, remote: &Value, choices: &mut Choices) -> Value {
    let mut object = Map::new();
    for (name, other) in known(kind, choices) {
        let needed = [
            "name",
            "title",
            "type",
            "query",
            "layout_type",
            "thresholds",
            "widgets",
        ];
        let value = match choices.below(4) {
            0 if !needed.contains(&name) => continue,
            1 => other,
            2 => remote[name].clone(),
            _ => choices.respelt(&remote[name]),
        };
        if !value.is_null() {
            object.insert(name.to_owned(), value);
        }
    }
    Value::Object(object)
}

/// What the API makes of a PUT: a monitor's fields are merged, everything else is replaced whole.
fn put(kind: Kind, before: &Value, body: &Value) -> Value {
    let mut after = before.as_object().cloned().expect("an object");
    if kind != Kind::Monitor {
        after.retain(|name, _| name == "id");
    }
    after.extend(body.as_object().cloned().expect("an object"));
    if kind == Kind::Dashboard && before.get("restricted_roles").is_some() {
        after.entry("restricted_roles").or_insert(json!([]));
    }
    Value::Object(after)
}

/// Carries out the changes as they are shown.
fn patched(before: &Value, changes: &[Change]) -> Value {
    let mut value = before.clone();
    let (removals, others): (Vec<_>, Vec<_>) = changes.iter().partition(|one| one.after.is_none());
    for change in others.into_iter().chain(removals.into_iter().rev()) {
        let mut steps: Vec<String> = Vec::new();
        for part in change.path.replace('[', ".[").split('.') {
            steps.push(part.to_owned());
        }
        let last = steps.pop().expect("a step");
        let mut place = &mut value;
        for step in steps {
            place = match index(&step) {
                Some(at) => &mut place[at],
                None => &mut place[step],
            };
        }
        match (index(&last), &change.after) {
            (Some(at), Some(after)) if change.before.is_none() => {
                place
                    .as_array_mut()
                    .expect("a list")
                    .insert(at, after.clone());
            }
            (Some(at), Some(after)) => place[at] = after.clone(),
            (Some(at), None) => drop(place.as_array_mut().expect("a list").remove(at)),
            (None, Some(after)) => place[last] = after.clone(),
            (None, None) => drop(place.as_object_mut().expect("a map").shift_remove(&last)),
        }
    }
    value
}

fn index(step: &str) -> Option<usize> {
    step.strip_prefix('[')?.strip_suffix(']')?.parse().ok()
}

/// Without what means nothing: a null or empty field of the first level is an absent one.
fn plain(value: &Value) -> Map<String, Value> {
    let mut map = value.as_object().cloned().expect("an object");
    let empty = [json!(null), json!([]), json!(""), json!({}), json!(false)];
    map.retain(|_, value| !empty.contains(value));
    map
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// What an update does to the server's object is what its changes say, to the byte; what is not among them stays as
    /// it was, known or not; and a second update has nothing to do.
    #[test]
    fn an_update_changes_what_it_shows_and_nothing_else(kind in 0..3usize, bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let kind = Kind::ALL[kind];
        let mut choices = Choices(bytes.into_iter());
        let before = remote(kind, &mut choices);
        let wanted = wanted(kind, &before, &mut choices);
        let update = Update::new(kind, &before, &wanted);
        let after = if update.changes.is_empty() { before.clone() } else { put(kind, &before, &update.body) };
        prop_assert_eq!(plain(&patched(&before, &update.changes)), plain(&after), "{:#?}", update.changes);
        for name in UNKNOWN.iter().filter(|name| !before[**name].is_null() && before[**name] != json!([])) {
            prop_assert_eq!(&after[*name], &before[*name]);
        }
        let again = Update::new(kind, &after, &wanted);
        prop_assert_eq!(again.changes, &[], "{:#}\n{:#}", after, wanted);
    }
}

#[test]
fn an_adopted_dashboard_keeps_its_roles_and_widget_ids() {
    let remote = json!({
        "id": "aaa-bbb-ccc", "title": "Ops ", "description": "d", "layout_type": "ordered", "notify_list": [],
        "is_read_only": false, "restricted_roles": ["r"], "template_variables": null, "url": "/dashboard/aaa-bbb-ccc/ops",
        "widgets": [{ "id": 1, "definition": { "type": "note", "content": "x", "has_padding": null } }],
        "tabs": [{ "id": "t", "name": "A", "widget_ids": [1] }],
    });
    let wanted = json!({
        "title": "Ops", "description": "d\n\nmanaged-by:monitors key:n.ops", "layout_type": "ordered",
        "widgets": [{ "definition": { "type": "note", "content": "x" } }],
        "tabs": [{ "name": "A", "widget_ids": ["@1"] }],
    });
    let update = Update::new(Kind::Dashboard, &remote, &wanted);
    let paths: Vec<&str> = update
        .changes
        .iter()
        .map(|change| change.path.as_str())
        .collect();
    assert_eq!(paths, ["description"]);
    let mut expected = remote.clone();
    expected["description"] = wanted["description"].clone();
    for own in ["id", "url", "is_read_only"] {
        expected.as_object_mut().expect("a map").shift_remove(own);
    }
    assert_eq!(update.body, expected);
}

#[test]
fn an_slo_keeps_its_primary_time_frame() {
    let remote = json!({
        "id": "a", "name": "S", "type": "monitor", "monitor_ids": [1], "tags": ["x:y"], "type_id": 0,
        "thresholds": [{ "timeframe": "30d", "target": 99.95, "target_display": "99.95" }, { "timeframe": "7d", "target": 99.9 }],
        "timeframe": "7d", "target_threshold": 99.9,
    });
    let mut wanted = json!({
        "name": "S", "type": "monitor", "description": "", "monitor_ids": [1], "tags": ["x:y", "m"],
        "thresholds": [{ "timeframe": "7d", "target": 99.9 }, { "timeframe": "30d", "target": 99.95 }],
    });
    let update = Update::new(Kind::Slo, &remote, &wanted);
    assert_eq!(update.changes.len(), 1, "{:?}", update.changes);
    assert_eq!(
        (&update.body["timeframe"], &update.body["target_threshold"]),
        (&json!("7d"), &json!(99.9))
    );
    // The number beside the time frame follows its target, and the plan says so.
    wanted["thresholds"][0]["target"] = json!(99);
    let update = Update::new(Kind::Slo, &remote, &wanted);
    let paths: Vec<&str> = update
        .changes
        .iter()
        .map(|change| change.path.as_str())
        .collect();
    assert_eq!(paths, ["tags", "thresholds[1].target", "target_threshold"]);
}

/// A file that does not mention what the server fills in has no wish about it.
#[test]
fn an_option_that_the_server_added_is_no_change() {
    let remote = json!({
        "id": 1, "name": "n", "type": "query alert", "query": "q", "message": "", "tags": [],
        "options": { "no_data_timeframe": 10, "notify_no_data": false, "avalanche_window": 20, "thresholds": { "critical": 1.0, "warning": null } },
    });
    let wanted = json!({ "name": "n", "type": "metric alert", "query": "q", "message": "", "tags": [], "options": { "thresholds": { "critical": 1 } } });
    assert_eq!(Update::new(Kind::Monitor, &remote, &wanted).changes, []);
}

/// A metric SLO by specification comes back with the query that the server made of it.
#[test]
fn the_query_of_a_specification_is_the_servers() {
    let count = |total: &str| json!({ "count": { "good_events_formula": { "formula": "a" }, "total_events_formula": { "formula": total }, "queries": [] } });
    let remote = json!({
        "id": "a", "name": "S", "type": "metric", "description": "", "tags": [], "query": { "numerator": "n", "denominator": "d" },
        "sli_specification": count("b"), "thresholds": [{ "timeframe": "7d", "target": 99.0 }],
    });
    let mut wanted = json!({ "name": "S", "type": "metric", "sli_specification": count("b"), "thresholds": [{ "timeframe": "7d", "target": 99 }] });
    assert_eq!(Update::new(Kind::Slo, &remote, &wanted).changes, []);
    wanted["sli_specification"] = count("c");
    let update = Update::new(Kind::Slo, &remote, &wanted);
    assert_eq!(update.changes.len(), 1);
    assert_eq!(update.body.get("query"), None);
}
