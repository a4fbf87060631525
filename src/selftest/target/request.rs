//! PURE: finds the requests in what a client sends (RFC 9112): as much as the target must know of them to answer.

/// Longest request, head and body.
const REQUEST_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Most headers of one request.
const HEADERS_MAX: usize = 64;

/// A request that has come whole.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Request {
    /// It goes to `/cookie`.
    pub(super) wants_cookie: bool,
    /// Its method is HEAD.
    pub(super) is_head: bool,
    /// Another may follow on its connection.
    pub(super) keeps_open: bool,
}

/// What came is no request, or one that is too long, or one whose body says nothing of its length beforehand.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Malformed;

/// What has come of requests that have not been taken.
#[derive(Debug, Default)]
pub(super) struct Incoming(Vec<u8>);

impl Incoming {
    /// More has come.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    /// The first request; `None` until all of it has come.
    pub(super) fn take(&mut self) -> Result<Option<Request>, Malformed> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
        let mut parsed = httparse::Request::new(&mut headers);
        let status = parsed.parse(&self.0).map_err(|_| Malformed)?;
        let httparse::Status::Complete(head) = status else {
            return self.unless_too_long(self.0.len());
        };
        let length = head.saturating_add(body_length(parsed.headers)?);
        if length > self.0.len() {
            return self.unless_too_long(length);
        }
        let request = Request {
            wants_cookie: parsed.path == Some("/cookie"),
            is_head: parsed.method == Some("HEAD"),
            keeps_open: parsed.version == Some(1) && !says_close(parsed.headers),
        };
        self.0.drain(..length);
        Ok(Some(request))
    }

    fn unless_too_long(&self, length: usize) -> Result<Option<Request>, Malformed> {
        if length > REQUEST_BYTES_MAX {
            return Err(Malformed);
        }
        Ok(None)
    }
}

/// Bytes after the head.
fn body_length(headers: &[httparse::Header<'_>]) -> Result<usize, Malformed> {
    if values(headers, "transfer-encoding").next().is_some() {
        return Err(Malformed);
    }
    let Some(length) = values(headers, "content-length").next() else {
        return Ok(0);
    };
    let digits = std::str::from_utf8(length).map_err(|_| Malformed)?;
    digits.trim().parse().map_err(|_| Malformed)
}

fn says_close(headers: &[httparse::Header<'_>]) -> bool {
    values(headers, "connection").any(|value| value.eq_ignore_ascii_case(b"close"))
}

fn values<'h>(
    headers: &'h [httparse::Header<'h>],
    name: &'h str,
) -> impl Iterator<Item = &'h [u8]> {
    let named = headers
        .iter()
        .filter(move |header| header.name.eq_ignore_ascii_case(name));
    named.map(|header| header.value)
}

#[cfg(test)]
mod tests {
    use super::{Incoming, Malformed, REQUEST_BYTES_MAX, Request};

    const PLAIN: Request = Request {
        wants_cookie: false,
        is_head: false,
        keeps_open: true,
    };

    fn first_of(bytes: &[u8]) -> Result<Option<Request>, Malformed> {
        let mut incoming = Incoming::default();
        incoming.push(bytes);
        incoming.take()
    }

    #[test]
    fn a_request_is_taken_when_its_last_byte_has_come() {
        let whole = b"POST /cart HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello";
        let mut incoming = Incoming::default();
        for byte in &whole[..whole.len() - 1] {
            incoming.push(&[*byte]);
            assert_eq!(incoming.take(), Ok(None));
        }
        incoming.push(b"oGET /cookie HTTP/1.1\r\n\r\nHEAD / HTTP/1.0\r\n\r\n");
        assert_eq!(incoming.take(), Ok(Some(PLAIN)));
        let cookie = Request {
            wants_cookie: true,
            ..PLAIN
        };
        assert_eq!(incoming.take(), Ok(Some(cookie)));
        let head = Request {
            is_head: true,
            keeps_open: false,
            ..PLAIN
        };
        assert_eq!(incoming.take(), Ok(Some(head)));
        assert_eq!(incoming.take(), Ok(None));
    }

    #[test]
    fn a_client_may_say_that_it_closes() {
        let request = first_of(b"GET / HTTP/1.1\r\nConnection: Close\r\n\r\n");
        assert!(request.is_ok_and(|request| request.is_some_and(|request| !request.keeps_open)));
    }

    #[test]
    fn what_is_no_request_or_too_long_is_refused() {
        let long = format!("POST / HTTP/1.1\r\nContent-Length: {REQUEST_BYTES_MAX}\r\n\r\n");
        for bytes in [
            "\u{7f}nonsense\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: many\r\n\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
            &long,
        ] {
            assert_eq!(first_of(bytes.as_bytes()), Err(Malformed), "{bytes}");
        }
    }
}
