//! PURE: a request as HTTP/2 has it (RFC 9113, 8.2 and 8.3).

use ::http::header::{
    CONNECTION, CONTENT_LENGTH, HOST, HeaderName, TE, TRANSFER_ENCODING, UPGRADE,
};
use ::http::uri::{Authority, Parts, Scheme};
use ::http::{HeaderMap, HeaderValue, Method, Request, Uri, Version};

use crate::transport::{Failure, Outgoing};

/// Headers about a connection of HTTP/1.1: no request of HTTP/2 has them.
const OF_CONNECTIONS: [HeaderName; 5] = [
    CONNECTION,
    TRANSFER_ENCODING,
    UPGRADE,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
];

/// The head: `host` becomes `:authority`, what is about a connection is left out, and the length of a body is said as it is in
/// HTTP/1.1.
///
/// # Errors
/// [`Failure::BadRequest`] for a `host` that is none.
pub(super) fn head(outgoing: &Outgoing) -> Result<Request<()>, Failure> {
    let mut headers = outgoing.headers.clone();
    let host = headers.remove(HOST);
    let mut parts = Parts::default();
    parts.scheme = Some(match outgoing.origin.tls {
        true => Scheme::HTTPS,
        false => Scheme::HTTP,
    });
    parts.authority = Some(authority(outgoing, host.as_ref())?);
    parts.path_and_query = Some(outgoing.path.clone());
    leave_out_connection(&mut headers);
    if let Some(length) = length(outgoing) {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    let mut request = Request::new(());
    *request.method_mut() = outgoing.method.clone();
    *request.uri_mut() = Uri::from_parts(parts).map_err(|_| Failure::BadRequest)?;
    *request.version_mut() = Version::HTTP_2;
    *request.headers_mut() = headers;
    Ok(request)
}

fn authority(outgoing: &Outgoing, host: Option<&HeaderValue>) -> Result<Authority, Failure> {
    match host {
        Some(host) if *host != outgoing.origin.authority => {
            Authority::try_from(host.as_bytes()).map_err(|_| Failure::BadRequest)
        }
        _ => outgoing.origin.uri_authority(),
    }
}

fn leave_out_connection(headers: &mut HeaderMap) {
    for name in OF_CONNECTIONS {
        headers.remove(name);
    }
    if headers.get(TE).is_some_and(|te| te != "trailers") {
        headers.remove(TE);
    }
}

/// Methods that usually have a body say so of an empty one too (RFC 9110, 8.6).
fn length(outgoing: &Outgoing) -> Option<usize> {
    let has_usually = matches!(outgoing.method, Method::POST | Method::PUT | Method::PATCH);
    let length = outgoing.body.len();
    (length > 0 || has_usually).then_some(length)
}
