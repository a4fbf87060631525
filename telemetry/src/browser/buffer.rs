//! One block of memory that header values are cut from, so that a value costs no allocation of its own.

use bytes::{BufMut as _, BytesMut};
use http::HeaderValue;

/// Size of a block: enough for the values of about thirty requests.
const BLOCK_BYTES: usize = 4096;
/// Longest value written here, a `traceparent`.
const VALUE_BYTES_MAX: usize = 64;

/// Memory for header values; keep one per worker.
///
/// A block is used again once the requests that hold values in it are gone.
#[derive(Debug, Default)]
pub struct HeaderBuffer {
    block: BytesMut,
}

impl HeaderBuffer {
    /// An empty buffer.
    pub fn new() -> Self {
        Self::default()
    }

    pub(super) fn value(&mut self, write: impl FnOnce(&mut ValueWriter<'_>)) -> HeaderValue {
        if self.block.capacity() < VALUE_BYTES_MAX {
            self.block.reserve(BLOCK_BYTES);
        }
        write(&mut ValueWriter(&mut self.block));
        let bytes = self.block.split().freeze();
        // The writer writes digits, hyphens and nothing else, which is always a value.
        HeaderValue::from_maybe_shared(bytes).unwrap_or(HeaderValue::from_static(""))
    }
}

/// Appends to one value.
pub(super) struct ValueWriter<'a>(&'a mut BytesMut);

impl ValueWriter<'_> {
    pub(super) fn text(&mut self, text: &[u8]) {
        self.0.put_slice(text);
    }

    pub(super) fn decimal(&mut self, number: u64) {
        self.text(itoa::Buffer::new().format(number).as_bytes());
    }

    /// Sixteen digits.
    pub(super) fn hex(&mut self, number: u64) {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = [0; 16];
        for (place, digit) in text.iter_mut().rev().enumerate() {
            *digit = DIGITS[(number >> (4 * place) & 0xf) as usize];
        }
        self.text(&text);
    }
}
