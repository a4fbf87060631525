//! What can go wrong with a request, said so that a person knows what to do. Must not hold keys.

use http::StatusCode;
use serde_json::Value;
use thiserror::Error;

use super::PAGES_MAX;

/// Longest text of an answer that is repeated.
const SHOWN_MAX: usize = 500;

/// A request that did not work.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ApiError {
    /// The API understood and said no.
    #[error("{}", refusal(*.status, .reason))]
    Refused {
        /// Its status.
        status: StatusCode,
        /// Its words.
        reason: String,
    },
    /// The API failed; what was asked may have happened.
    #[error("the API failed with {status}, also when asked again{}; try again later", after(.reason))]
    Failed {
        /// Its status.
        status: StatusCode,
        /// Its words.
        reason: String,
    },
    /// No answer came; what was asked may have happened.
    #[error("no answer from the API: {0}; check the network, DD_SITE and --api-url")]
    Unreachable(String),
    /// An answer without what was asked for.
    #[error("the API answered without {0}; check that --api-url is the Datadog API")]
    Unexpected(&'static str),
    /// A list of which there is always more: nothing can be planned on a part of it.
    #[error(
        "the API's list of {0} does not end: {max} pages were read; check that --api-url is the Datadog API",
        max = PAGES_MAX
    )]
    Endless(&'static str),
    /// The object was there when planning and is not any more.
    #[error("it was deleted in the meantime; run the command again to create it")]
    Gone,
    /// Someone changed the object between the plan and its turn: what would be sent is not what the plan showed.
    #[error("it was changed in the meantime; run the command again to see the plan anew")]
    Changed,
}

impl ApiError {
    /// From an answer with an error status.
    pub(crate) fn answered(status: StatusCode, body: &str) -> Self {
        let reason = reason(body);
        if status.is_server_error() {
            return Self::Failed { status, reason };
        }
        Self::Refused { status, reason }
    }

    /// Whether what was asked may have happened all the same.
    pub(crate) fn is_uncertain(&self) -> bool {
        matches!(
            self,
            Self::Failed { .. } | Self::Unreachable(_) | Self::Unexpected(_)
        )
    }

    pub(crate) fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused { status, .. } if *status == StatusCode::NOT_FOUND)
    }

    /// Whether the keys were refused, for everything or for this.
    pub fn is_about_keys(&self) -> bool {
        matches!(
            self,
            Self::Refused { status: StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED, reason }
                if !reason.contains("referenced")
        )
    }

    /// The id in `Duplicate of an existing monitor_id:N org_id:N`.
    pub(crate) fn duplicate_of(&self) -> Option<&str> {
        let Self::Refused { reason, .. } = self else {
            return None;
        };
        let (_, rest) = reason.split_once("Duplicate of an existing monitor_id:")?;
        rest.split_whitespace().next()
    }
}

fn refusal(status: StatusCode, reason: &str) -> String {
    match status {
        StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED if !reason.contains("referenced") => {
            format!(
                "the API does not allow it ({status}); check DD_API_KEY and DD_APP_KEY, that both belong to the site in \
                 DD_SITE, the application key's scopes, and whether the object is restricted to roles"
            )
        }
        _ if reason.contains("Duplicate of an existing") => {
            format!("{reason}; write `adopt: <that id>` into the definition to take it over")
        }
        StatusCode::TOO_MANY_REQUESTS => {
            format!("the API's rate limit stays used up: {reason}; try again later")
        }
        _ => format!("the API refused ({}): {reason}", status.as_u16()),
    }
}

fn after(reason: &str) -> String {
    if reason.is_empty() {
        String::new()
    } else {
        format!(" ({reason})")
    }
}

/// The texts in `{"errors": …}`, which may be a list, or an object by id; nothing of a page in HTML.
fn reason(body: &str) -> String {
    let Ok(value) = serde_json::from_str::<Value>(body) else {
        return String::new();
    };
    let mut texts = Vec::new();
    collect(&value["errors"], &mut texts);
    let text = texts.join("; ");
    match text.char_indices().nth(SHOWN_MAX) {
        Some((cut, _)) => format!("{}…", &text[..cut]),
        None => text,
    }
}

fn collect(value: &Value, texts: &mut Vec<String>) {
    match value {
        Value::String(text) => texts.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| collect(item, texts)),
        Value::Object(map) => map.values().for_each(|item| collect(item, texts)),
        _ => {}
    }
}

impl From<reqwest::Error> for ApiError {
    fn from(error: reqwest::Error) -> Self {
        Self::Unreachable(root(&error.without_url()))
    }
}

impl From<reqwest_middleware::Error> for ApiError {
    fn from(error: reqwest_middleware::Error) -> Self {
        match error {
            reqwest_middleware::Error::Reqwest(error) => error.into(),
            reqwest_middleware::Error::Middleware(error) => Self::Unreachable(error.to_string()),
        }
    }
}

/// The innermost cause says what happened; what wraps it says "error sending request".
fn root(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "it took too long".to_owned();
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_come_from_lists_and_objects_and_not_from_pages() {
        assert_eq!(reason(r#"{"errors":["a","b"]}"#), "a; b");
        assert_eq!(reason(r#"{"data":null,"errors":{"id":["c"]}}"#), "c");
        assert_eq!(reason("<html>504</html>"), "");
    }

    #[test]
    fn a_conflict_is_not_taken_for_wrong_keys() {
        let conflict = ApiError::answered(
            StatusCode::UNAUTHORIZED,
            r#"{"errors":["monitor [1,n] is referenced in slos: [a,b]"]}"#,
        );
        assert!(!conflict.is_about_keys());
        assert!(conflict.to_string().contains("referenced in slos"));
        assert!(ApiError::answered(StatusCode::FORBIDDEN, "{}").is_about_keys());
    }

    #[test]
    fn a_duplicate_names_the_other_one() {
        let error = ApiError::answered(
            StatusCode::BAD_REQUEST,
            r#"{"errors":["Duplicate of an existing monitor_id:42 org_id:7"]}"#,
        );
        assert_eq!(error.duplicate_of(), Some("42"));
    }
}
