//! Reading the `Idempotency-Key` of a request.

use axum::http::HeaderMap;
use sha2::{Digest, Sha256};

use crate::error::ApiError;
use crate::store::Idempotency;

const IDEMPOTENCY_KEY: &str = "idempotency-key";
const IDEMPOTENCY_KEY_BYTES_MAX: usize = 255;
/// Guests have no subject before their order exists, so they share one scope of keys.
const GUEST_SCOPE: &str = "guest";

/// The key of a request and the digest of what was asked under it, if the client sent a key.
pub(super) fn idempotency(
    headers: &HeaderMap,
    owner: Option<&str>,
    body: &[u8],
) -> Result<Option<Idempotency>, ApiError> {
    let Some(value) = headers.get(IDEMPOTENCY_KEY) else {
        return Ok(None);
    };
    let well_formed = (1..=IDEMPOTENCY_KEY_BYTES_MAX).contains(&value.len())
        && value.as_bytes().iter().all(u8::is_ascii_graphic);
    let key = value.to_str().ok().filter(|_| well_formed).ok_or_else(|| {
        ApiError::malformed(
            "the `Idempotency-Key` must be 1 to 255 visible ASCII characters without blanks",
        )
    })?;
    let digest = Sha256::digest(body);
    Ok(Some(Idempotency {
        scope: owner.unwrap_or(GUEST_SCOPE).to_owned(),
        key: key.to_owned(),
        request_digest: digest.iter().map(|byte| format!("{byte:02x}")).collect(),
    }))
}
