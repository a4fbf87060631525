//! Mail in the shape of SendGrid's API.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{ProviderState, has_key, idempotency_key};
use crate::provider::{Mail, MailError, MailProvider};

/// `POST /v3/mail/send`.
pub(super) async fn send(
    State(provider): State<ProviderState>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if !has_key(&headers, provider.setup.mail_key.as_ref()) {
        return failure(StatusCode::UNAUTHORIZED, "the key is not valid");
    }
    let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let Some(mail) = mail(&headers, &body) else {
        let what = "personalizations, subject and content are needed";
        return failure(StatusCode::BAD_REQUEST, what);
    };
    match provider.simulated.send(mail).await {
        Ok(delivered) => {
            let id = [("x-message-id", delivered.message_id)];
            (StatusCode::ACCEPTED, id).into_response()
        }
        Err(MailError::Rejected(_)) => failure(StatusCode::BAD_REQUEST, "no such mailbox"),
        Err(MailError::Unavailable(_)) => failure(StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
    }
}

fn mail(headers: &HeaderMap, body: &Value) -> Option<Mail> {
    let person = &body["personalizations"][0];
    let key =
        idempotency_key(headers).or_else(|| person["custom_args"]["idempotency_key"].as_str());
    Some(Mail {
        idempotency_key: key.map_or_else(|| Uuid::now_v7().to_string(), str::to_owned),
        to: person["to"][0]["email"].as_str()?.to_owned(),
        subject: body["subject"].as_str()?.to_owned(),
        text: body["content"][0]["value"].as_str()?.to_owned(),
    })
}

fn failure(status: StatusCode, message: &str) -> Response {
    (status, Json(json!({ "errors": [{ "message": message }] }))).into_response()
}
