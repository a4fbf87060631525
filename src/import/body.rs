//! Bodies: JSON and forms in the language's own terms where that sends the same, texts as they are.

use serde_json::{Map, Value};

use super::draft::{DraftBody, DraftRequest};
use super::making::Making;
use super::recorded::{Payload, Recorded, leaves};
use super::text::{Spelling, Swap, form_encoded, literal, woven};

/// Largest body that is written into a scenario, bytes.
pub(super) const BODY_BYTES_MAX: usize = 256 << 10;

/// Puts the body of a request, and the header that says what it is, into `draft`.
pub(super) fn body(making: &Making<'_>, recorded: &Recorded, draft: &mut DraftRequest) {
    let Some(payload) = recorded
        .body
        .as_ref()
        .filter(|payload| !payload.text.is_empty())
    else {
        return;
    };
    if payload.text.len() > BODY_BYTES_MAX {
        let kib = payload.text.len() >> 10;
        draft.remarks.push(format!(
            "The body of {kib} KiB was left out: the most is {} KiB.",
            BODY_BYTES_MAX >> 10
        ));
        return;
    }
    let (body, usual) = written(making, payload);
    let mime = usable(&payload.mime);
    if !mime.is_empty() && !usual.is_empty() && mime != usual {
        draft
            .headers
            .push(("content-type".to_owned(), literal(mime)));
    }
    draft.body = Some(body);
}

/// A content type that can be sent; nothing for one that cannot.
fn usable(mime: &str) -> &str {
    let mime = mime.trim();
    match http::HeaderValue::from_str(mime) {
        Ok(_) => mime,
        Err(_) => "",
    }
}

/// The body, and the content type that it brings along.
fn written(making: &Making<'_>, payload: &Payload) -> (DraftBody, &'static str) {
    if let Some(value) = payload
        .json()
        .filter(|value| keeps_numbers(&payload.text, value))
        && let Some(value) = json(making, "", &value)
    {
        return (DraftBody::Json(value), "application/json");
    }
    if payload.is_form()
        && let Some(fields) = form(making, payload)
    {
        return (DraftBody::Form(fields), "application/x-www-form-urlencoded");
    }
    let text = match payload.is_form() {
        true => form_text(making, payload),
        false => text(making, payload),
    };
    // A text that begins so is written with one more.
    let text = if text.starts_with('@') {
        format!("@{text}")
    } else {
        text
    };
    let mime = match usable(&payload.mime) {
        "" => "application/octet-stream",
        mime => mime,
    };
    (DraftBody::Text(mime.to_owned(), text), "")
}

/// A JSON value with values from elsewhere; `None` where the language would make another type of one.
fn json(making: &Making<'_>, name: &str, value: &Value) -> Option<Value> {
    Some(match value {
        Value::String(text) => match making.whole(name, text) {
            Some(whole) if making.is_number(&whole) => literal(text).into(),
            Some(whole) => whole.into(),
            None => making.woven(text, Spelling::Plain).into(),
        },
        Value::Number(number) => match making.whole(name, &number.to_string()) {
            Some(whole) if making.is_number(&whole) => whole.into(),
            Some(_) => return None,
            None => value.clone(),
        },
        Value::Array(items) => {
            let items = items.iter().map(|item| json(making, name, item));
            Value::Array(items.collect::<Option<_>>()?)
        }
        Value::Object(fields) => {
            let fields = fields
                .iter()
                .map(|(key, value)| Some((literal(key), json(making, key, value)?)));
            Value::Object(fields.collect::<Option<Map<_, _>>>()?)
        }
        other => other.clone(),
    })
}

/// Whether every number comes out as it is written, and no key is there twice.
fn keeps_numbers(text: &str, value: &Value) -> bool {
    let mut read = Vec::new();
    leaves(value, "", &mut |_, leaf| {
        if let Value::Number(number) = leaf {
            read.push(number.to_string());
        }
    });
    written_numbers(text) == read
}

/// The numbers in a JSON text.
fn written_numbers(text: &str) -> Vec<&str> {
    let (mut in_text, mut escaped, mut begin) = (false, false, None);
    let mut found = Vec::new();
    for (at, byte) in text.bytes().enumerate() {
        let is_part = !in_text && (byte.is_ascii_digit() || b"+-.eE".contains(&byte));
        match begin {
            None if is_part && byte != b'e' && byte != b'E' => begin = Some(at),
            Some(from) if !is_part => {
                found.push(&text[from..at]);
                begin = None;
            }
            _ => {}
        }
        if byte == b'"' && !escaped {
            in_text = !in_text;
        }
        escaped = in_text && byte == b'\\' && !escaped;
    }
    found.extend(begin.map(|from| &text[from..]));
    found
}

/// A form as fields, where the same bytes go out, or where values come from elsewhere.
fn form(making: &Making<'_>, payload: &Payload) -> Option<Map<String, Value>> {
    let fields = payload.fields();
    let mut written = Map::new();
    let mut has_values = false;
    for (name, value) in &fields {
        let text = making.value(name, value);
        has_values |= text != literal(value);
        if written.insert(literal(name), text.into()).is_some() {
            return None;
        }
    }
    let pairs = fields
        .iter()
        .map(|(name, value)| (name.as_ref(), value.as_ref()));
    (has_values || form_encoded(pairs) == payload.text).then_some(written)
}

/// A form as the text that it was. A value from the environment goes out as it is, and so must not need an escape.
fn form_text(making: &Making<'_>, payload: &Payload) -> String {
    let pairs = payload.text.split('&').map(|pair| {
        let decoded = url::form_urlencoded::parse(pair.as_bytes()).next();
        let whole = decoded.and_then(|(name, value)| making.whole(&name, &value));
        match (pair.split_once('='), whole) {
            (Some((name, _)), Some(whole)) => format!("{}={whole}", literal(name)),
            _ => making.woven(pair, Spelling::Url),
        }
    });
    pairs.collect::<Vec<_>>().join("&")
}

/// Any other text. Secrets that are too short to be looked for elsewhere are hidden by their names.
fn text(making: &Making<'_>, payload: &Payload) -> String {
    let Some(value) = payload.json() else {
        return making.woven(&payload.text, Spelling::Plain);
    };
    let mut swaps: Vec<_> = making
        .known
        .iter()
        .chain(making.vault.swaps())
        .cloned()
        .collect();
    leaves(&value, "", &mut |name, leaf| {
        let text = match leaf {
            Value::Number(number) => number.to_string(),
            Value::String(text) => text.clone(),
            _ => return,
        };
        if let Some(whole) = making.vault.whole(name, &text) {
            let hole = whole
                .trim_start_matches("${")
                .trim_end_matches('}')
                .to_owned();
            swaps.push(Swap { value: text, hole });
        }
    });
    woven(&payload.text, &swaps, Spelling::Plain)
}
