//! PURE: takes an HTTP/1.1 answer apart as its bytes come in (RFC 9112).
//!
//! The head and the lines of chunks are parsed by httparse; here is only what lies between them: where the body ends, and whether
//! the connection may be used again. Must not know: sockets, clocks.

use std::mem::MaybeUninit;

use ::http::header::{CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING};
use ::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use bytes::Bytes;

use super::body::Body;
use super::list::list;
use super::{Answer, Failure, Reading};

/// Longest head, line of a chunk, or block of trailers: what browsers take.
const HEAD_BYTES_MAX: usize = 256 * 1024;

/// A head of this length is parsed as far as it has come; it may be no HTTP.
const HEAD_BYTES_USUAL: usize = 16 * 1024;

/// Headers for which there is room at once.
const HEADERS_USUAL: usize = 100;

/// Most headers of one answer. Browsers know no such number; it is more than anybody means to send.
const HEADERS_MAX: usize = 10_000;

/// An answer on its way in.
pub(super) struct Decoder {
    state: State,
    head: Option<Head>,
    /// The beginning of a piece that must come whole (a head, the line of a chunk).
    partial: Vec<u8>,
    body: Body,
    reusable: bool,
    /// Answers to HEAD have the header fields of a body, and no body.
    to_head: bool,
}

struct Head {
    status: StatusCode,
    headers: HeaderMap,
}

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq)]
enum State {
    Head,
    /// So many bytes of body.
    Sized(u64),
    /// A body that ends with the connection.
    UntilClose,
    ChunkLine,
    /// So many bytes of a chunk.
    Chunk(u64),
    /// The line break after a chunk.
    ChunkEnd,
    Trailers,
    Done,
}

impl Decoder {
    /// A decoder of the answer to one request.
    pub(super) fn new(to_head: bool, reading: Reading) -> Self {
        Self {
            state: State::Head,
            head: None,
            partial: Vec::new(),
            body: Body::new(reading),
            reusable: true,
            to_head,
        }
    }

    /// Takes the next bytes in; `true` once the answer is complete.
    ///
    /// # Errors
    /// [`Failure::NotHttp`] for what is no HTTP/1.1, [`Failure::MalformedHttp`] for what is and breaks its rules,
    /// [`Failure::BodyTooLarge`] for more than was allowed.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<bool, Failure> {
        if self.partial.is_empty() {
            let used = self.take(bytes)?;
            self.partial.extend_from_slice(&bytes[used..]);
        } else {
            let mut joined = std::mem::take(&mut self.partial);
            let before = joined.len();
            joined.extend_from_slice(bytes);
            // A long head that comes in many pieces is parsed when it is whole, not again with each of them.
            let is_open = self.state == State::Head
                && before > HEAD_BYTES_USUAL
                && !has_blank_line(&joined[before.saturating_sub(2)..]);
            let used = match is_open {
                true => 0,
                false => self.take(&joined)?,
            };
            joined.drain(..used);
            self.partial = joined;
        }
        if self.state == State::Done {
            // Bytes that nobody asked for: who knows what answer they belong to.
            self.reusable &= self.partial.is_empty();
            return Ok(true);
        }
        if self.partial.len() > HEAD_BYTES_MAX {
            return Err(match self.state {
                State::Head | State::Trailers => Failure::HeadTooLarge,
                _ => Failure::MalformedHttp,
            });
        }
        Ok(false)
    }

    /// The connection has ended: `true` if the answer is complete with that.
    pub(super) fn end(&mut self) -> bool {
        self.reusable = false;
        self.state == State::UntilClose
    }

    /// Whether anything of the answer has come.
    pub(super) fn begun(&self) -> bool {
        self.head.is_some() || !self.partial.is_empty()
    }

    /// The complete answer, and whether the connection may carry another.
    ///
    /// # Errors
    /// [`Failure::NotHttp`] before the head is there; a body that cannot be decoded, or to more than is allowed.
    pub(super) fn finish(self) -> Result<(Answer, bool), Failure> {
        let Head { status, headers } = self.head.ok_or(Failure::NotHttp)?;
        let answer = self.body.finish(status, headers)?;
        Ok((answer, self.reusable))
    }

    /// Goes as far as the input reaches; returns how much of it was used.
    fn take(&mut self, input: &[u8]) -> Result<usize, Failure> {
        let mut used = 0;
        loop {
            let rest = &input[used..];
            let taken = match self.state {
                State::Done => return Ok(used),
                State::Head => self.take_head(rest)?,
                State::Sized(left) => self.take_counted(rest, left, State::Sized, State::Done)?,
                State::Chunk(left) => {
                    self.take_counted(rest, left, State::Chunk, State::ChunkEnd)?
                }
                State::UntilClose => self.take_body(rest)?,
                State::ChunkLine => self.take_chunk_line(rest)?,
                State::ChunkEnd => self.take_chunk_end(rest)?,
                State::Trailers => self.take_trailers(rest)?,
            };
            used += taken;
            if taken == 0 && self.state != State::Done {
                return Ok(used);
            }
        }
    }

    fn take_head(&mut self, input: &[u8]) -> Result<usize, Failure> {
        let mut room = [const { MaybeUninit::uninit() }; HEADERS_USUAL];
        match self.take_head_with(input, &mut room) {
            Err(Failure::HeadTooLarge) => {
                self.take_head_with(input, &mut vec![MaybeUninit::uninit(); HEADERS_MAX])
            }
            taken => taken,
        }
    }

    /// The same with room for so many headers.
    fn take_head_with<'b>(
        &mut self,
        input: &'b [u8],
        room: &mut [MaybeUninit<httparse::Header<'b>>],
    ) -> Result<usize, Failure> {
        let mut response = httparse::Response::new(&mut []);
        let parsed = lenient().parse_response_with_uninit_headers(&mut response, input, room);
        let broken = |error| broken(error, input);
        let httparse::Status::Complete(length) = parsed.map_err(broken)? else {
            return Ok(0);
        };
        if length > HEAD_BYTES_MAX {
            return Err(Failure::HeadTooLarge);
        }
        let status = response
            .code
            .and_then(|code| StatusCode::from_u16(code).ok())
            .ok_or(Failure::MalformedHttp)?;
        // Interim answers say that the real one is still to come (RFC 9110, 15.2).
        if status == StatusCode::SWITCHING_PROTOCOLS {
            // No request asks for it; what follows would be no HTTP.
            return Err(Failure::UnaskedUpgrade);
        }
        if status.is_informational() {
            return Ok(length);
        }
        let headers = header_map(&input[..length], response.headers)?;
        self.reusable = stays_open(response.version == Some(1), &headers);
        self.body.begin(status, &headers);
        self.state = self.body_of(status, &headers)?;
        self.head = Some(Head { status, headers });
        Ok(length)
    }

    /// How the body is delimited (RFC 9112, 6.3).
    fn body_of(&mut self, status: StatusCode, headers: &HeaderMap) -> Result<State, Failure> {
        let bodiless = matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
        if self.to_head || bodiless {
            return Ok(State::Done);
        }
        if let Some(coding) = headers.get_all(TRANSFER_ENCODING).iter().next_back() {
            // Both at once may be an attempt to smuggle an answer in: this one is read, but the connection is not kept.
            self.reusable &= !headers.contains_key(CONTENT_LENGTH);
            return Ok(if last_is(coding, "chunked") {
                State::ChunkLine
            } else {
                State::UntilClose
            });
        }
        match content_length(headers)? {
            None => Ok(State::UntilClose),
            Some(0) => Ok(State::Done),
            Some(length) => {
                self.body.expect(length)?;
                Ok(State::Sized(length))
            }
        }
    }

    /// Takes what there is of `left` bytes of body; then the rest of them is next, or else `end`.
    fn take_counted(
        &mut self,
        input: &[u8],
        left: u64,
        more: fn(u64) -> State,
        end: State,
    ) -> Result<usize, Failure> {
        let there = usize::try_from(left).map_or(input.len(), |left| left.min(input.len()));
        let taken = self.take_body(&input[..there])?;
        let left = left - taken as u64;
        self.state = if left == 0 { end } else { more(left) };
        Ok(taken)
    }

    fn take_body(&mut self, input: &[u8]) -> Result<usize, Failure> {
        self.body.take(input)?;
        Ok(input.len())
    }

    fn take_chunk_line(&mut self, input: &[u8]) -> Result<usize, Failure> {
        match httparse::parse_chunk_size(input).map_err(|_| Failure::MalformedHttp)? {
            httparse::Status::Partial => Ok(0),
            httparse::Status::Complete((length, size)) => {
                self.state = if size == 0 {
                    State::Trailers
                } else {
                    State::Chunk(size)
                };
                Ok(length)
            }
        }
    }

    fn take_chunk_end(&mut self, input: &[u8]) -> Result<usize, Failure> {
        match input {
            [b'\r', b'\n', ..] => {
                self.state = State::ChunkLine;
                Ok(2)
            }
            [] | [b'\r'] => Ok(0),
            _ => Err(Failure::MalformedHttp),
        }
    }

    /// Trailers carry nothing for us; only their end matters.
    fn take_trailers(&mut self, input: &[u8]) -> Result<usize, Failure> {
        let mut trailers = [httparse::EMPTY_HEADER; HEADERS_USUAL];
        match httparse::parse_headers(input, &mut trailers) {
            Ok(httparse::Status::Partial) => Ok(0),
            Ok(httparse::Status::Complete((length, _))) => {
                self.state = State::Done;
                Ok(length)
            }
            Err(httparse::Error::TooManyHeaders) => Err(Failure::HeadTooLarge),
            Err(_) => Err(Failure::MalformedHttp),
        }
    }
}

/// Whether a head ends here.
fn has_blank_line(bytes: &[u8]) -> bool {
    bytes.windows(2).any(|bytes| bytes == b"\n\n")
        || bytes.windows(3).any(|bytes| bytes == b"\n\r\n")
}

/// Heads as browsers and curl take them: values folded over several lines, space before a colon or around the status, and among
/// the headers lines that are none, which are passed over.
fn lenient() -> httparse::ParserConfig {
    let mut config = httparse::ParserConfig::default();
    config
        .allow_obsolete_multiline_headers_in_responses(true)
        .allow_spaces_after_header_name_in_responses(true)
        .allow_multiple_spaces_in_response_status_delimiters(true)
        .ignore_invalid_headers_in_responses(true);
    config
}

/// What is wrong with a head that cannot be parsed.
fn broken(error: httparse::Error, input: &[u8]) -> Failure {
    match error {
        httparse::Error::TooManyHeaders => Failure::HeadTooLarge,
        _ if input.starts_with(b"HTTP/") => Failure::MalformedHttp,
        _ => Failure::NotHttp,
    }
}

/// The headers with their values cut out of one copy of the head.
fn header_map(head: &[u8], parsed: &[httparse::Header<'_>]) -> Result<HeaderMap, Failure> {
    let block = Bytes::copy_from_slice(head);
    let mut headers = HeaderMap::with_capacity(parsed.len());
    for header in parsed {
        let name = HeaderName::from_bytes(header.name.as_bytes());
        let name = name.map_err(|_| Failure::MalformedHttp)?;
        let from = header.value.as_ptr() as usize - head.as_ptr() as usize;
        let value = block.slice(from..from + header.value.len());
        let value = match HeaderValue::from_maybe_shared(value) {
            Ok(value) => value,
            // Rare: the usual value is one line.
            Err(_) => HeaderValue::from_bytes(&unfolded(header.value))
                .map_err(|_| Failure::MalformedHttp)?,
        };
        headers.append(name, value);
    }
    Ok(headers)
}

/// A value with one space in the place of each fold (RFC 9112, 5.2).
fn unfolded(value: &[u8]) -> Vec<u8> {
    let lines = value.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    Vec::from_iter(lines).join(&b' ')
}

/// Whether the connection stays open after the answer (RFC 9112, 9.3).
fn stays_open(is_1_1: bool, headers: &HeaderMap) -> bool {
    let says = |option: &str| {
        let mut values = headers.get_all(CONNECTION).iter();
        values.any(|value| list(value).any(|one| one.eq_ignore_ascii_case(option)))
    };
    !says("close") && (is_1_1 || says("keep-alive"))
}

/// The length that all the answer's fields agree on.
fn content_length(headers: &HeaderMap) -> Result<Option<u64>, Failure> {
    let mut length = None;
    for value in headers.get_all(CONTENT_LENGTH) {
        for one in list(value) {
            // `parse` alone would let a sign pass.
            let digits = one.bytes().all(|byte| byte.is_ascii_digit());
            let one: u64 = one.parse().map_err(|_| Failure::MalformedHttp)?;
            if !digits || length.is_some_and(|known| known != one) {
                return Err(Failure::MalformedHttp);
            }
            length = Some(one);
        }
    }
    if length.is_none() && headers.contains_key(CONTENT_LENGTH) {
        return Err(Failure::MalformedHttp);
    }
    Ok(length)
}

fn last_is(value: &HeaderValue, coding: &str) -> bool {
    list(value)
        .next_back()
        .is_some_and(|last| last.eq_ignore_ascii_case(coding))
}

#[cfg(test)]
mod tests;
