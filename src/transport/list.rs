//! PURE: headers that are lists (RFC 9110, 5.6.1).

use ::http::HeaderValue;

/// The elements of a header that is a list; none of a value that is no text.
pub(super) fn list(value: &HeaderValue) -> impl DoubleEndedIterator<Item = &str> {
    value.to_str().unwrap_or_default().split(',').map(str::trim)
}
