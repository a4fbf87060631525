//! Spans of work inside the current one: a piece of it, a call to a provider, a call to a peer.

use http::{Method, Uri};

use super::{OpenSpan, TARGET};
use crate::catalogue::attribute;
use crate::metrics::known_method;

/// Opens a span for a piece of work inside the current one.
pub fn internal(name: &'static str) -> OpenSpan {
    local("internal", name, None)
}

/// Opens a client span with a fixed name around a call to an outside provider.
pub fn external(name: &'static str, peer: &str) -> OpenSpan {
    local("client", name, Some(peer))
}

/// Opens a span around an HTTP call to a peer; write [`OpenSpan::context`] into the call's headers.
pub fn client(method: &Method, peer: &str, uri: &Uri) -> OpenSpan {
    let method = known_method(method);
    let host = uri.host().unwrap_or_default();
    let scheme = uri.scheme_str().unwrap_or("http");
    let port = uri
        .port_u16()
        .unwrap_or(if scheme == "https" { 443 } else { 80 });
    OpenSpan::below_current(|_| {
        tracing::info_span!(
            target: TARGET,
            "client",
            { attribute::OTEL_KIND } = "client",
            { attribute::OTEL_NAME } = method,
            { attribute::HTTP_REQUEST_METHOD } = method,
            { attribute::URL_FULL } = format!("{scheme}://{host}:{port}{}", uri.path()),
            { attribute::SERVER_ADDRESS } = host,
            { attribute::SERVER_PORT } = port,
            { attribute::PEER_SERVICE } = peer,
            { attribute::HTTP_RESPONSE_STATUS_CODE } = tracing::field::Empty,
            { attribute::ERROR_TYPE } = tracing::field::Empty,
            { attribute::OTEL_STATUS_CODE } = tracing::field::Empty,
            { attribute::OTEL_STATUS_DESCRIPTION } = tracing::field::Empty,
        )
    })
}

fn local(kind: &'static str, name: &'static str, peer: Option<&str>) -> OpenSpan {
    OpenSpan::below_current(|context| {
        tracing::info_span!(
            target: TARGET,
            "local",
            { attribute::OTEL_KIND } = kind,
            { attribute::OTEL_NAME } = name,
            { attribute::PEER_SERVICE } = peer,
            { attribute::CORRELATION_ID } = context.correlation_id(),
            { attribute::ORDER_ID } = tracing::field::Empty,
            { attribute::EVENT_ID } = tracing::field::Empty,
            { attribute::ERROR_TYPE } = tracing::field::Empty,
            { attribute::OTEL_STATUS_CODE } = tracing::field::Empty,
            { attribute::OTEL_STATUS_DESCRIPTION } = tracing::field::Empty,
        )
    })
}
