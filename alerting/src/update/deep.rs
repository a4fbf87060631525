//! JSON merged over JSON where the files say everything: equal parts keep the server's spelling and its nulls.

use serde_json::{Map, Value};

/// `wanted`, with the server's value wherever both mean the same.
pub(super) fn merge(have: &Value, wanted: &Value) -> Value {
    match (have, wanted) {
        (Value::Object(have), Value::Object(wanted)) => Value::Object(objects(have, wanted)),
        (Value::Array(have), Value::Array(wanted)) => lists(have, wanted, merge),
        (Value::Number(have), Value::Number(number)) if have.as_f64() == number.as_f64() => {
            Value::Number(have.clone())
        }
        _ => wanted.clone(),
    }
}

/// The same for an object of which the files can say these fields only: the others stay.
pub(super) fn merge_known(have: &Value, wanted: &Value, known: &[&str]) -> Value {
    let mut merged = merge(have, wanted);
    if let (Some(have), Some(merged)) = (have.as_object(), merged.as_object_mut()) {
        for (name, value) in have
            .iter()
            .filter(|(name, _)| !known.contains(&name.as_str()))
        {
            merged.entry(name).or_insert_with(|| value.clone());
        }
    }
    merged
}

fn objects(have: &Map<String, Value>, wanted: &Map<String, Value>) -> Map<String, Value> {
    let mut merged = Map::new();
    for (name, value) in have {
        match wanted.get(name) {
            Some(wanted) => {
                merged.insert(name.clone(), merge(value, wanted));
            }
            // A null is an absent field that the server spells out.
            None if value.is_null() => {
                merged.insert(name.clone(), Value::Null);
            }
            None => {}
        }
    }
    let added = wanted
        .iter()
        .filter(|(name, value)| !have.contains_key(*name) && !value.is_null());
    merged.extend(added.map(|(name, value)| (name.clone(), value.clone())));
    merged
}

/// Items that are equal at both ends keep their partners; those between are paired by position.
pub(super) fn lists(
    have: &[Value],
    wanted: &[Value],
    merge: impl Fn(&Value, &Value) -> Value,
) -> Value {
    let equal = |(have, wanted): &(&Value, &Value)| merge(have, wanted) == **have;
    let head = have.iter().zip(wanted).take_while(equal).count();
    let (between, rest) = (&have[head..], &wanted[head..]);
    let tail = between.iter().rev().zip(rest.iter().rev());
    let tail = tail.take_while(equal).count();
    let (between, new) = (&between[..between.len() - tail], &rest[..rest.len() - tail]);
    let merged = new
        .iter()
        .enumerate()
        .map(|(at, item)| match between.get(at) {
            Some(partner) => merge(partner, item),
            None => item.clone(),
        });
    let merged: Vec<Value> = merged.collect();
    let ends = (&have[..head], &have[have.len() - tail..]);
    let kept = ends.0.iter().chain(&merged).chain(ends.1);
    kept.cloned().collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_equal_keeps_the_servers_spelling() {
        let have = json!({ "a": 5.0, "b": null, "c": [1.0, { "x": null, "y": 2 }], "gone": 1 });
        let wanted = json!({ "a": 5, "c": [1, { "y": 2 }, 3], "new": "n", "none": null });
        let merged =
            json!({ "a": 5.0, "b": null, "c": [1.0, { "x": null, "y": 2 }, 3], "new": "n" });
        assert_eq!(merge(&have, &wanted), merged);
    }

    #[test]
    fn an_item_put_in_between_leaves_its_neighbours_alone() {
        let have = [json!(1.0), json!(2.0), json!(3.0)];
        let wanted = [json!(1), json!(9), json!(2), json!(3)];
        assert_eq!(lists(&have, &wanted, merge), json!([1.0, 9, 2.0, 3.0]));
        assert_eq!(lists(&have, &wanted[..1], merge), json!([1.0]));
    }
}
