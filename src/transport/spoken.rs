//! Which protocol answers came by, and how many.

use rustls::ProtocolVersion;
use std::cell::Cell;

use super::Protocols;

/// A version of HTTP and what it is carried by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spoken {
    Http1,
    Http1Tls12,
    Http1Tls13,
    Http2,
    Http2Tls12,
    Http2Tls13,
}

impl Spoken {
    const ALL: [Self; 6] = [
        Self::Http1,
        Self::Http1Tls12,
        Self::Http1Tls13,
        Self::Http2,
        Self::Http2Tls12,
        Self::Http2Tls13,
    ];

    /// HTTP/1.1 or 2, over this version of TLS or without.
    pub(super) fn of(is_http2: bool, tls: Option<ProtocolVersion>) -> Self {
        match (is_http2, tls) {
            (false, None) => Self::Http1,
            (false, Some(ProtocolVersion::TLSv1_2)) => Self::Http1Tls12,
            (false, Some(_)) => Self::Http1Tls13,
            (true, None) => Self::Http2,
            (true, Some(ProtocolVersion::TLSv1_2)) => Self::Http2Tls12,
            (true, Some(_)) => Self::Http2Tls13,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Http1 => "HTTP/1.1",
            Self::Http1Tls12 => "HTTP/1.1 over TLS 1.2",
            Self::Http1Tls13 => "HTTP/1.1 over TLS 1.3",
            Self::Http2 => "HTTP/2",
            Self::Http2Tls12 => "HTTP/2 over TLS 1.2",
            Self::Http2Tls13 => "HTTP/2 over TLS 1.3",
        }
    }
}

/// Answers by protocol since somebody last asked.
#[derive(Default)]
pub(super) struct SpokenCount([Cell<u64>; Spoken::ALL.len()]);

impl SpokenCount {
    pub(super) fn add(&self, spoken: Spoken) {
        let count = &self.0[spoken as usize];
        count.set(count.get() + 1);
    }

    /// By name; none of those that did not come.
    pub(super) fn take(&self) -> Protocols {
        let counts = Spoken::ALL.iter().zip(&self.0);
        let counts = counts.map(|(spoken, count)| (spoken.name(), count.take()));
        counts.filter(|(_, count)| *count > 0).collect()
    }
}
