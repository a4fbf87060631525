//! The shapes of HAR files, as far as they are needed.

use serde::{Deserialize, Deserializer};

/// A whole file.
#[derive(Debug, Deserialize)]
struct File {
    log: Log,
}

/// What was recorded.
#[derive(Debug, Deserialize)]
pub(super) struct Log {
    #[serde(default, deserialize_with = "or_default")]
    pages: Vec<Page>,
    /// Requests with their answers.
    #[serde(default, deserialize_with = "or_default")]
    pub(super) entries: Vec<Entry>,
}

#[derive(Debug, Default, Deserialize)]
struct Page {
    #[serde(default, deserialize_with = "or_default")]
    id: String,
    #[serde(default, deserialize_with = "or_default")]
    title: String,
}

/// A request with its answer.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Entry {
    /// The id of a page.
    pub(super) pageref: Option<String>,
    /// When it began, RFC 3339.
    #[serde(deserialize_with = "or_default")]
    pub(super) started_date_time: String,
    /// How long it took, milliseconds; -1 if unknown.
    #[serde(deserialize_with = "lenient")]
    pub(super) time: f64,
    pub(super) request: Request,
    pub(super) response: Response,
    /// What kind of thing was asked for (Chrome, Safari).
    #[serde(rename = "_resourceType", deserialize_with = "or_default")]
    pub(super) resource_type: String,
    /// Which cache answered (Chrome).
    #[serde(rename = "_fromCache")]
    pub(super) from_cache: Option<serde_json::Value>,
}

/// What was sent.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Request {
    #[serde(deserialize_with = "or_default")]
    pub(super) method: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) url: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) headers: Vec<Pair>,
    pub(super) post_data: Option<PostData>,
}

/// What was sent as a body.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct PostData {
    #[serde(deserialize_with = "or_default")]
    pub(super) mime_type: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) text: String,
    /// `base64`, or nothing.
    #[serde(alias = "_encoding", deserialize_with = "or_default")]
    pub(super) encoding: String,
    /// Fields, where there is no text.
    #[serde(deserialize_with = "or_default")]
    pub(super) params: Vec<Pair>,
}

/// What came back.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Response {
    #[serde(deserialize_with = "lenient")]
    pub(super) status: f64,
    #[serde(deserialize_with = "or_default")]
    pub(super) headers: Vec<Pair>,
    #[serde(rename = "redirectURL", deserialize_with = "or_default")]
    pub(super) redirect: String,
    pub(super) content: Content,
}

/// A body.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Content {
    #[serde(deserialize_with = "or_default")]
    pub(super) mime_type: String,
    pub(super) text: Option<String>,
    #[serde(deserialize_with = "or_default")]
    pub(super) encoding: String,
}

/// A header or a field.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub(super) struct Pair {
    #[serde(deserialize_with = "or_default")]
    pub(super) name: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) value: String,
}

impl Log {
    /// Ids and titles of the pages.
    pub(super) fn pages(&self) -> Vec<(String, String)> {
        let pages = self.pages.iter();
        pages
            .map(|page| (page.id.clone(), page.title.clone()))
            .collect()
    }
}

/// Reads a file; some programs begin it with a byte order mark.
pub(super) fn read(bytes: &[u8]) -> Result<Log, String> {
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    let file: File = serde_json::from_slice(bytes).map_err(|error| {
        format!("this is no HAR file: {error}; browsers save one from the network tab of their developer tools")
    })?;
    match file.log.entries.is_empty() {
        true => Err("the recording holds no requests".to_owned()),
        false => Ok(file.log),
    }
}

/// `null` stands for nothing.
fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// A number, whatever else stands there.
fn lenient<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let value = serde_json::Value::deserialize(deserializer)?;
    let of_text = value.as_str().and_then(|text| text.parse().ok());
    Ok(value.as_f64().or(of_text).unwrap_or(-1.0))
}
