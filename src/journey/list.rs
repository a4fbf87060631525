//! Lists in variables, item by item.

use serde_json::value::RawValue;

use crate::template::{Scalar, Value};

/// How many items a value has: of a JSON array its own, of anything else one, of nothing none.
pub(super) fn length(list: &Value) -> usize {
    match list {
        Value::Unset => 0,
        Value::Json(text) => items(text).map_or(1, |items| items.len()),
        _ => 1,
    }
}

/// One of the items; unset if there is none.
pub(super) fn item(list: &Value, index: usize) -> Value {
    let all = match list {
        Value::Json(text) => items(text),
        _ => None,
    };
    match all {
        Some(items) => items
            .get(index)
            .and_then(|item| Scalar::of_json(item.get()))
            .map_or(Value::Unset, Scalar::into_value),
        None if index == 0 => list.clone(),
        None => Value::Unset,
    }
}

/// The items of a JSON array; `None` for an object.
fn items(text: &str) -> Option<Vec<&RawValue>> {
    serde_json::from_str(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_have_items_of_their_own_types() {
        let list = Value::Json(r#"[7,"a",1.10,{"b":[1]},null]"#.into());
        assert_eq!(length(&list), 5);
        assert_eq!(item(&list, 0), Value::Int(7));
        assert_eq!(item(&list, 1), Value::Text("a".into()));
        assert_eq!(item(&list, 2), Value::Number("1.10".into()));
        assert_eq!(item(&list, 3), Value::Json(r#"{"b":[1]}"#.into()));
        assert_eq!(
            (item(&list, 4), item(&list, 5)),
            (Value::Unset, Value::Unset)
        );
        let object = Value::Json(r#"{"b":1}"#.into());
        assert_eq!((length(&object), item(&object, 0)), (1, object.clone()));
        let text = Value::Text("a".into());
        assert_eq!((length(&text), item(&text, 0)), (1, text.clone()));
        assert_eq!(length(&Value::Unset), 0);
    }
}
