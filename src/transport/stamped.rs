//! Plain TCP whose reads say when the bytes came.
//!
//! Linux notes the time at which it takes a packet in (`SO_TIMESTAMPNS`, socket(7) and
//! <https://docs.kernel.org/networking/timestamping.html>). With that, an answer is over when its last byte reached this
//! machine, however late the generator gets round to reading it; elsewhere, and under TLS, it is over when it was read.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::io::{AsyncWrite, Interest};
use tokio::net::TcpStream;

/// A stamp older than this, or from the future, comes of a clock that was set; the time of reading counts then.
const AGE_MAX: Duration = Duration::from_secs(60);

/// When bytes came.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arrived(Option<Duration>);

impl Arrived {
    /// Without a stamp: when it is asked for.
    pub(crate) const NOW: Self = Self(None);

    /// As a reading of the clock that everything else is measured by.
    pub(crate) fn instant(self) -> Instant {
        let now = Instant::now();
        let age = self.0.and_then(|stamp| {
            let wall = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
            wall.checked_sub(stamp).filter(|age| *age < AGE_MAX)
        });
        age.and_then(|age| now.checked_sub(age)).unwrap_or(now)
    }
}

/// A connection that asks for stamps.
pub(crate) struct StampedTcp {
    tcp: TcpStream,
    is_stamped: bool,
}

impl StampedTcp {
    pub(crate) fn new(tcp: TcpStream) -> Self {
        // Without stamps the time of reading counts.
        let is_stamped = os::ask_for_stamps(&tcp).is_ok();
        Self { tcp, is_stamped }
    }

    /// Whether the operating system stamps what comes.
    pub(super) fn is_stamped(&self) -> bool {
        self.is_stamped
    }

    /// Bytes read, 0 at the end of the stream, and when the last of them came.
    pub(crate) fn poll_receive(
        &self,
        cx: &mut Context<'_>,
        input: &mut [u8],
    ) -> Poll<io::Result<(usize, Arrived)>> {
        loop {
            ready!(self.tcp.poll_read_ready(cx))?;
            let mut read = None;
            let tried = self.tcp.try_io(Interest::READABLE, || {
                let (length, arrived) = os::receive(&self.tcp, input)?;
                read = Some((length, arrived));
                // Less than there was room for: the socket is empty, and readiness comes with the next packet. Saying so spares
                // a system call that would find nothing.
                if length > 0 && length < input.len() {
                    return Err(io::ErrorKind::WouldBlock.into());
                }
                Ok(())
            });
            match (read, tried) {
                (Some(read), _) => return Poll::Ready(Ok(read)),
                (None, Err(error)) if error.kind() != io::ErrorKind::WouldBlock => {
                    return Poll::Ready(Err(error));
                }
                (None, _) => {}
            }
        }
    }
}

impl AsyncWrite for StampedTcp {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.tcp).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(cx)
    }
}

#[cfg(target_os = "linux")]
mod os {
    use std::io::{self, IoSliceMut};
    use std::os::fd::AsRawFd as _;
    use std::time::Duration;

    use nix::sys::socket::{
        ControlMessageOwned, MsgFlags, recvmsg, setsockopt, sockopt::ReceiveTimestampns,
    };
    use tokio::net::TcpStream;

    use super::Arrived;

    /// Room for one stamp with its header, aligned as the kernel writes it.
    #[repr(align(8))]
    struct Control([u8; 64]);

    pub(super) fn ask_for_stamps(tcp: &TcpStream) -> io::Result<()> {
        Ok(setsockopt(tcp, ReceiveTimestampns, &true)?)
    }

    pub(super) fn receive(tcp: &TcpStream, input: &mut [u8]) -> io::Result<(usize, Arrived)> {
        let mut control = Control([0; 64]);
        let mut into = [IoSliceMut::new(input)];
        let message = recvmsg::<()>(
            tcp.as_raw_fd(),
            &mut into,
            Some(&mut control.0),
            MsgFlags::empty(),
        )?;
        let stamp = message.cmsgs().ok().and_then(|mut messages| {
            messages.find_map(|message| match message {
                ControlMessageOwned::ScmTimestampns(at) => {
                    let seconds = u64::try_from(at.tv_sec()).ok()?;
                    Some(Duration::new(seconds, u32::try_from(at.tv_nsec()).ok()?))
                }
                _ => None,
            })
        });
        Ok((message.bytes, Arrived(stamp)))
    }
}

#[cfg(not(target_os = "linux"))]
mod os {
    use std::io;

    use tokio::net::TcpStream;

    use super::Arrived;

    pub(super) fn ask_for_stamps(_: &TcpStream) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(super) fn receive(tcp: &TcpStream, input: &mut [u8]) -> io::Result<(usize, Arrived)> {
        Ok((tcp.try_read(input)?, Arrived::NOW))
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::future::poll_fn;
    use std::io::Write as _;
    use std::time::{Duration, Instant};

    use super::StampedTcp;

    /// How late the bytes are read, and what the stamp and its conversion may be off.
    const READ_LATE: Duration = Duration::from_millis(20);
    const STAMP_OFF_MAX: Duration = Duration::from_millis(5);
    /// Linux begins to stamp a moment after it was first asked to.
    const TRIES_MAX: u32 = 100;

    #[test]
    fn bytes_came_when_they_were_sent_and_not_when_they_were_read() {
        let runtime = crate::runtime::local_runtime().unwrap();
        runtime.block_on(async {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            let address = listener.local_addr().unwrap();
            let tcp = tokio::net::TcpStream::connect(address).await.unwrap();
            let stamped = StampedTcp::new(tcp);
            let (mut peer, _) = listener.accept().unwrap();
            let mut input = [0; 64];
            for _ in 0..TRIES_MAX {
                peer.write_all(b"hello").unwrap();
                let sent = Instant::now();
                tokio::time::sleep(READ_LATE).await;
                let read = poll_fn(|cx| stamped.poll_receive(cx, &mut input)).await;
                let (length, arrived) = read.unwrap();
                assert_eq!(&input[..length], b"hello");
                let arrived = arrived.instant();
                assert!(arrived <= Instant::now(), "from the future");
                if arrived <= sent + STAMP_OFF_MAX {
                    return;
                }
            }
            panic!("no stamp in {TRIES_MAX} reads");
        });
    }
}
