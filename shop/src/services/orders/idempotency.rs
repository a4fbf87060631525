//! Reading the `Idempotency-Key` of a request, and whether a repetition of it proves to come from the same client.
//!
//! A key is no secret: it stands in logs and traces. A guest, who has no token yet, may therefore send an
//! `Idempotency-Secret` along. The key is then the guest's own, kept under a digest of the secret, and only who repeats key
//! and secret is given the order's access token again; a key without a secret finds its order, but never opens it.

use axum::http::HeaderMap;
use sha2::{Digest, Sha256};

use crate::error::ApiError;
use crate::store::Idempotency;

const IDEMPOTENCY_KEY: &str = "idempotency-key";
const IDEMPOTENCY_SECRET: &str = "idempotency-secret";
const IDEMPOTENCY_KEY_BYTES_MAX: usize = 255;
/// As short as a secret may be that nobody guesses: sixteen random letters are 90 bits.
const IDEMPOTENCY_SECRET_BYTES_MIN: usize = 16;
const KEY_PROBLEM: &str =
    "the `Idempotency-Key` must be 1 to 255 visible ASCII characters without blanks";
const SECRET_PROBLEM: &str = "the `Idempotency-Secret` must be 16 to 255 visible ASCII characters without blanks; make it at random";
/// Guests that send no secret share one scope of keys.
const GUEST_SCOPE: &str = "guest";

/// What a request says about its repetitions.
pub(super) struct Repetition {
    /// The key and the digest of what was asked under it, if the client sent a key.
    pub(super) idempotency: Option<Idempotency>,
    /// Whether nobody but the client of the first request can have sent a repetition.
    pub(super) proven: bool,
}

/// Reads key and secret of a request.
pub(super) fn repetition(
    headers: &HeaderMap,
    owner: Option<&str>,
    body: &[u8],
) -> Result<Repetition, ApiError> {
    let key = visible(headers, IDEMPOTENCY_KEY, 1, KEY_PROBLEM)?;
    let bytes_min = IDEMPOTENCY_SECRET_BYTES_MIN;
    let secret = visible(headers, IDEMPOTENCY_SECRET, bytes_min, SECRET_PROBLEM)?;
    let scope = match (owner, secret) {
        (Some(owner), _) => owner.to_owned(),
        (None, Some(secret)) => format!("{GUEST_SCOPE}-{}", hex_digest(secret.as_bytes())),
        (None, None) => GUEST_SCOPE.to_owned(),
    };
    Ok(Repetition {
        idempotency: key.map(|key| Idempotency {
            scope,
            key: key.to_owned(),
            request_digest: hex_digest(body),
        }),
        proven: owner.is_some() || secret.is_some(),
    })
}

/// A header's value, if it is there.
fn visible<'a>(
    headers: &'a HeaderMap,
    name: &str,
    bytes_min: usize,
    problem: &'static str,
) -> Result<Option<&'a str>, ApiError> {
    let Some(value) = headers.get(name) else {
        return Ok(None);
    };
    let well_formed = (bytes_min..=IDEMPOTENCY_KEY_BYTES_MAX).contains(&value.len())
        && value.as_bytes().iter().all(u8::is_ascii_graphic);
    let text = value.to_str().ok().filter(|_| well_formed);
    text.map(Some).ok_or_else(|| ApiError::malformed(problem))
}

fn hex_digest(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    telemetry::text::hex(digest)
}
