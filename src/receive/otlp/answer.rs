//! What OTLP over HTTP answers: the response message of each signal, or a status with a reason. PURE.

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use http_body_util::Full;
use prost::encoding::{int32, int64, string};
use serde_json::json;

/// How messages are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Protobuf,
    Json,
}

/// Why a request is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) why: String,
}

/// What was understood of a request and not taken.
#[derive(Debug, Default)]
pub(super) struct Rejected {
    /// Spans, points or lines.
    pub(super) count: u64,
    /// Why.
    pub(super) why: &'static str,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, why: impl Into<String>) -> Self {
        Self {
            status,
            why: why.into(),
        }
    }

    pub(super) fn malformed(why: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, why)
    }

    /// The code of gRPC that means the same.
    fn code(&self) -> i32 {
        match self.status {
            StatusCode::TOO_MANY_REQUESTS => 14,
            StatusCode::PAYLOAD_TOO_LARGE => 8,
            StatusCode::REQUEST_TIMEOUT => 4,
            StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => 12,
            _ => 3,
        }
    }
}

impl Encoding {
    /// What a request's body is in; `None` if it is in something else.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let kind = headers.get(CONTENT_TYPE)?.to_str().ok()?;
        match kind.split(';').next()?.trim().to_ascii_lowercase().as_str() {
            "application/x-protobuf" | "application/protobuf" => Some(Self::Protobuf),
            "application/json" => Some(Self::Json),
            _ => None,
        }
    }

    fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Protobuf => "application/x-protobuf",
            Self::Json => "application/json",
        })
    }
}

/// 200, and in it what was rejected if anything was.
pub(super) fn accepted(
    encoding: Encoding,
    path: &str,
    rejected: &Rejected,
) -> Response<Full<Bytes>> {
    let body = match encoding {
        _ if rejected.count == 0 && encoding == Encoding::Protobuf => Vec::new(),
        _ if rejected.count == 0 => b"{}".to_vec(),
        Encoding::Protobuf => {
            let mut partial = Vec::new();
            int64::encode(1, &(rejected.count as i64), &mut partial);
            string::encode(2, &rejected.why.to_owned(), &mut partial);
            let mut body = Vec::new();
            prost::encoding::bytes::encode(1, &partial, &mut body);
            body
        }
        Encoding::Json => {
            let what = match path {
                "/v1/traces" => "rejectedSpans",
                "/v1/metrics" => "rejectedDataPoints",
                _ => "rejectedLogRecords",
            };
            let partial = json!({ what: rejected.count.to_string(), "errorMessage": rejected.why });
            json!({ "partialSuccess": partial })
                .to_string()
                .into_bytes()
        }
    };
    response(StatusCode::OK, encoding, body)
}

/// A status with its reason, as `google.rpc.Status`.
pub(super) fn refused(encoding: Encoding, refusal: &Refusal) -> Response<Full<Bytes>> {
    let body = match encoding {
        Encoding::Protobuf => {
            let mut body = Vec::new();
            int32::encode(1, &refusal.code(), &mut body);
            string::encode(2, &refusal.why, &mut body);
            body
        }
        Encoding::Json => json!({ "code": refusal.code(), "message": refusal.why })
            .to_string()
            .into_bytes(),
    };
    let mut response = response(refusal.status, encoding, body);
    let headers = response.headers_mut();
    match refusal.status {
        StatusCode::TOO_MANY_REQUESTS => {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        StatusCode::METHOD_NOT_ALLOWED => {
            headers.insert(ALLOW, HeaderValue::from_static("POST"));
        }
        _ => {}
    }
    response
}

fn response(status: StatusCode, encoding: Encoding, body: Vec<u8>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, encoding.content_type());
    response
}
