//! PURE: the body of an answer as its bytes come in: how large it may be, how much of it is kept, and, when it is complete, what it
//! is without its content codings. Must not know: how a version of HTTP says where a body ends.

use ::http::{HeaderMap, StatusCode};

use super::coding::{Coding, codings, decode};
use super::{Answer, Failure, Reading};

/// Room made at once for a body that says how long it is.
const ROOM_MAX: usize = 64 * 1024;

/// A body on its way in.
pub(super) struct Body {
    kept: Vec<u8>,
    keep: usize,
    /// The body's content codings; it is kept whole until it can be decoded.
    codings: Vec<Coding>,
    bytes: u64,
    reading: Reading,
}

impl Body {
    pub(super) fn new(reading: Reading) -> Self {
        Self {
            kept: Vec::new(),
            keep: 0,
            codings: Vec::new(),
            bytes: 0,
            reading,
        }
    }

    /// The head has come.
    pub(super) fn begin(&mut self, status: StatusCode, headers: &HeaderMap) {
        self.codings = codings(headers);
        self.keep = match self.codings.is_empty() {
            true => self.keep_of(status),
            false => usize::MAX,
        };
    }

    /// So many bytes will come.
    ///
    /// # Errors
    /// [`Failure::BodyTooLarge`] for more than is allowed.
    pub(super) fn expect(&mut self, length: u64) -> Result<(), Failure> {
        if length > self.reading.body_bytes_max {
            return Err(Failure::BodyTooLarge);
        }
        let room = usize::try_from(length).unwrap_or(ROOM_MAX);
        self.kept.reserve(room.min(self.keep).min(ROOM_MAX));
        Ok(())
    }

    /// Takes the next bytes in.
    ///
    /// # Errors
    /// [`Failure::BodyTooLarge`] when there are more than is allowed.
    pub(super) fn take(&mut self, piece: &[u8]) -> Result<(), Failure> {
        self.bytes += piece.len() as u64;
        if self.bytes > self.reading.body_bytes_max {
            return Err(Failure::BodyTooLarge);
        }
        let wanted = self.keep.saturating_sub(self.kept.len()).min(piece.len());
        self.kept.extend_from_slice(&piece[..wanted]);
        Ok(())
    }

    /// The answer, whole.
    ///
    /// # Errors
    /// A body that cannot be decoded, or to more than is allowed.
    pub(super) fn finish(self, status: StatusCode, headers: HeaderMap) -> Result<Answer, Failure> {
        let (body, body_bytes) = match self.codings.as_slice() {
            [] => (self.kept, self.bytes),
            codings => {
                let keep = self.keep_of(status);
                let decoded = decode(&self.kept, codings, self.reading.body_bytes_max, keep)?;
                (decoded.kept, decoded.bytes)
            }
        };
        Ok(Answer {
            status,
            headers,
            body: body.into(),
            body_bytes,
            wire_bytes: self.bytes,
        })
    }

    /// How much is kept of the body of an answer with this status.
    fn keep_of(&self, status: StatusCode) -> usize {
        match status.as_u16() < 400 {
            true => self.reading.keep_bytes,
            false => self.reading.keep_error_bytes,
        }
    }
}
