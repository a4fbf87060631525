//! What the API refuses in an SLO, in its words, and what it makes of one that it takes. Must not know HTTP.

use serde_json::{Map, Value, json};

use super::answer::Refused;
use super::org::Org;

/// What a client may set. Unlike a monitor's, a PUT replaces all of them.
pub(super) const SETTABLE: &[&str] = &[
    "name",
    "description",
    "type",
    "thresholds",
    "tags",
    "query",
    "monitor_ids",
    "groups",
    "sli_specification",
    "timeframe",
    "target_threshold",
    "warning_threshold",
];

/// The types with the numbers that the API gives them.
const TYPES: &[(&str, u8)] = &[("monitor", 0), ("metric", 1), ("time_slice", 2)];

/// A checked SLO with what the server adds to its fields. `kind` is what an existing one is, which decides what is
/// asked of it.
pub(super) fn accept(
    sent: Map<String, Value>,
    kind: Option<&str>,
    org: &Org,
) -> Result<Map<String, Value>, Refused> {
    let mut slo: Map<String, Value> = sent
        .into_iter()
        .filter(|(field, _)| SETTABLE.contains(&field.as_str()))
        .collect();
    let text = |slo: &Map<String, Value>, field: &str| {
        let found = slo.get(field).and_then(Value::as_str);
        found.unwrap_or_default().trim().to_owned()
    };
    let name = text(&slo, "name");
    if name.is_empty() {
        return Err(Refused::bad("Invalid payload: must specify name"));
    }
    slo.insert("name".into(), json!(name));
    let sent_kind = text(&slo, "type");
    let number = TYPES.iter().find(|(known, _)| *known == sent_kind);
    let (_, number) = number.ok_or_else(|| Refused::bad("Invalid payload: invalid type"))?;
    check_kind(kind.unwrap_or(&sent_kind), &slo, org)?;
    if kind.is_some_and(|kind| kind != sent_kind) {
        return Err(Refused::bad("SLO type cannot be changed"));
    }
    let primary = thresholds(&mut slo)?;
    slo.extend(primary);
    if let Some(query) = written_out(&slo) {
        slo.insert("query".into(), query);
    }
    slo.insert("type_id".into(), json!(number));
    slo.insert("monitor_tags".into(), json!([]));
    tidy(&mut slo);
    Ok(slo)
}

fn check_kind(kind: &str, slo: &Map<String, Value>, org: &Org) -> Result<(), Refused> {
    match kind {
        "monitor" => {
            let ids = slo.get("monitor_ids").and_then(Value::as_array);
            let ids = ids.filter(|ids| !ids.is_empty());
            let ids =
                ids.ok_or_else(|| Refused::bad("Invalid payload: must specify monitor_ids"))?;
            let exists = |id: &Value| org.monitors.get(&id.to_string()).is_some();
            if ids.iter().all(exists) {
                Ok(())
            } else {
                Err(Refused::bad("Some monitor IDs are invalid"))
            }
        }
        "metric" => {
            let side = |side| slo.get("query").and_then(|query| query.get(side)?.as_str());
            let specified = specification(slo, "count").is_some();
            match (side("numerator"), side("denominator")) {
                (Some(good), Some(all)) if !good.is_empty() && !all.is_empty() => Ok(()),
                _ if specified => Ok(()),
                _ => Err(Refused::bad(
                    "Invalid payload: must specify the query for count types",
                )),
            }
        }
        _ if specification(slo, "time_slice").is_some() => Ok(()),
        _ => Err(Refused::bad(
            "Invalid payload: must specify sli_specification",
        )),
    }
}

fn specification<'s>(slo: &'s Map<String, Value>, form: &str) -> Option<&'s Map<String, Value>> {
    slo.get("sli_specification")?.get(form)?.as_object()
}

/// The query of a metric SLO that was given by formulas: their names replaced by what they stand for.
fn written_out(slo: &Map<String, Value>) -> Option<Value> {
    let count = specification(slo, "count")?;
    let formula = |field: &str| {
        let formula = count.get(field)?.get("formula")?.as_str()?;
        Some(replaced(formula, count))
    };
    let good = formula("good_events_formula")?;
    let all = match (
        formula("total_events_formula"),
        formula("bad_events_formula"),
    ) {
        (Some(all), _) => all,
        (None, bad) => format!("({good}) + ({})", bad?),
    };
    Some(json!({ "numerator": good, "denominator": all }))
}

fn replaced(formula: &str, count: &Map<String, Value>) -> String {
    let queries = count.get("queries").and_then(Value::as_array);
    let named = |word: &str| {
        let mut queries = queries.into_iter().flatten();
        let query = queries.find(|query| query["name"] == word)?;
        query["query"].as_str().map(str::to_owned)
    };
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let (mut text, mut rest) = (String::new(), formula);
    while !rest.is_empty() {
        let length = rest.find(|c| !word(c)).unwrap_or(rest.len());
        let (name, after) = rest.split_at(length);
        text.push_str(&named(name).unwrap_or_else(|| name.to_owned()));
        let length = after.find(word).unwrap_or(after.len());
        text.push_str(&after[..length]);
        rest = &after[length..];
    }
    text
}

/// Adds how the numbers are shown; gives back the fields that repeat the primary target, which is the first one unless
/// the client chose another.
fn thresholds(slo: &mut Map<String, Value>) -> Result<Map<String, Value>, Refused> {
    let chosen = slo.get("timeframe").cloned().unwrap_or_default();
    for repeated in ["timeframe", "target_threshold", "warning_threshold"] {
        slo.shift_remove(repeated);
    }
    let Some(Value::Array(thresholds)) = slo.get_mut("thresholds") else {
        return Err(Refused::bad("Invalid payload: must specify thresholds"));
    };
    thresholds.iter_mut().try_for_each(threshold)?;
    let primary = thresholds.iter().find(|one| one["timeframe"] == chosen);
    let Some(primary) = primary.or_else(|| thresholds.first()) else {
        return Err(Refused::bad("Invalid payload: must specify thresholds"));
    };
    let mut repeated = Map::new();
    repeated.insert("timeframe".into(), primary["timeframe"].clone());
    repeated.insert("target_threshold".into(), primary["target"].clone());
    if let Some(warning) = primary.get("warning").filter(|value| !value.is_null()) {
        repeated.insert("warning_threshold".into(), warning.clone());
    }
    Ok(repeated)
}

fn threshold(threshold: &mut Value) -> Result<(), Refused> {
    let invalid = || Refused::bad("Invalid payload: invalid thresholds");
    let target = threshold["target"].as_f64().ok_or_else(invalid)?;
    let frame = threshold["timeframe"].as_str().ok_or_else(invalid)?;
    if target <= 0.0 || target >= 100.0 || !matches!(frame, "7d" | "30d" | "90d" | "custom") {
        return Err(invalid());
    }
    threshold["target"] = json!(target);
    threshold["target_display"] = json!(shown(target));
    if let Some(warning) = threshold.get("warning").filter(|value| !value.is_null()) {
        let warning = warning.as_f64().ok_or_else(invalid)?;
        if warning <= target || warning >= 100.0 {
            return Err(Refused::bad(
                "Invalid payload: warning must be greater than target",
            ));
        }
        threshold["warning"] = json!(warning);
        threshold["warning_display"] = json!(shown(warning));
    }
    Ok(())
}

fn shown(per_cent: f64) -> String {
    let text = per_cent.to_string();
    if text.contains('.') {
        text
    } else {
        format!("{text}.")
    }
}

/// Tags come back in an order of the server's own, an empty list of monitors not at all.
fn tidy(slo: &mut Map<String, Value>) {
    let description = slo.entry("description").or_insert(Value::Null);
    if description.is_null() {
        *description = json!("");
    }
    match slo.get_mut("tags") {
        Some(Value::Array(tags)) => tags.sort_by_key(|tag| std::cmp::Reverse(tag.to_string())),
        _ => {
            slo.insert("tags".into(), json!([]));
        }
    }
    for list in ["monitor_ids", "groups"] {
        if slo
            .get(list)
            .is_some_and(|list| list.as_array().is_none_or(Vec::is_empty))
        {
            slo.shift_remove(list);
        }
    }
    let slice = slo
        .get_mut("sli_specification")
        .and_then(|spec| spec.get_mut("time_slice"));
    if let Some(Value::Object(slice)) = slice {
        slice.entry("query_interval_seconds").or_insert(json!(300));
    }
}
