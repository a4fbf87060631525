//! Bytes to and from a target: plain TCP, or TLS on it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use super::spoken::Spoken;
use super::stamped::{Arrived, StampedTcp};

/// Bytes to and from the target.
pub(super) enum Stream {
    Plain(StampedTcp),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Stream {
    /// Whether it tells when bytes came rather than when they were read.
    pub(super) fn is_stamped(&self) -> bool {
        match self {
            Self::Plain(tcp) => tcp.is_stamped(),
            Self::Tls(_) => false,
        }
    }

    /// What is spoken over it.
    pub(super) fn spoken(&self, is_http2: bool) -> Spoken {
        let tls = match self {
            Self::Plain(_) => None,
            // A handshake is over with a version.
            Self::Tls(tls) => tls.get_ref().1.protocol_version(),
        };
        Spoken::of(is_http2, tls)
    }

    /// Bytes read, 0 at the end of the stream, and when the last of them came.
    pub(super) fn poll_receive(
        &mut self,
        cx: &mut Context<'_>,
        input: &mut [u8],
    ) -> Poll<io::Result<(usize, Arrived)>> {
        match self {
            Self::Plain(tcp) => tcp.poll_receive(cx, input),
            Self::Tls(tls) => {
                let mut buffer = ReadBuf::new(input);
                ready!(Pin::new(&mut **tls).poll_read(cx, &mut buffer))?;
                Poll::Ready(Ok((buffer.filled().len(), Arrived::NOW)))
            }
        }
    }
}

impl AsyncRead for Stream {
    /// Without the time at which the bytes came.
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Self::Tls(tls) = &mut *self {
            return Pin::new(&mut **tls).poll_read(cx, buffer);
        }
        let (length, _) = ready!(self.poll_receive(cx, buffer.initialize_unfilled()))?;
        buffer.advance(length);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut *self {
            Self::Plain(tcp) => Pin::new(tcp).poll_write(cx, bytes),
            Self::Tls(tls) => Pin::new(&mut **tls).poll_write(cx, bytes),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match &mut *self {
            Self::Plain(tcp) => Pin::new(tcp).poll_write_vectored(cx, pieces),
            Self::Tls(tls) => Pin::new(&mut **tls).poll_write_vectored(cx, pieces),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(tcp) => tcp.is_write_vectored(),
            Self::Tls(tls) => tls.is_write_vectored(),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut *self {
            Self::Plain(tcp) => Pin::new(tcp).poll_flush(cx),
            Self::Tls(tls) => Pin::new(&mut **tls).poll_flush(cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut *self {
            Self::Plain(tcp) => Pin::new(tcp).poll_shutdown(cx),
            Self::Tls(tls) => Pin::new(&mut **tls).poll_shutdown(cx),
        }
    }
}
