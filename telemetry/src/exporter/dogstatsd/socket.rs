//! The socket to a receiver that may refuse, vanish and come back: opened when there is something to send, and again when it
//! fails. Blocks its own thread, and not for long.

use std::fmt;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs as _, UdpSocket};
use std::os::unix::net::UnixDatagram;
use std::time::{Duration, Instant};

use super::Failure;
use crate::settings::DogstatsdAddress;

/// How long one datagram waits for room.
const SEND_MAX: Duration = Duration::from_millis(50);
/// How long an address that was looked up is used.
const LOOK_UP_EVERY: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub(super) struct Socket {
    address: DogstatsdAddress,
    open: Option<Open>,
    /// Values in the last datagram that left over UDP: whether it arrived shows with the next one.
    on_the_way: usize,
}

#[derive(Debug)]
enum Open {
    Udp(UdpSocket, Instant),
    Unix(UnixDatagram),
}

impl Socket {
    pub(super) fn new(address: DogstatsdAddress) -> Self {
        Self {
            address,
            open: None,
            on_the_way: 0,
        }
    }

    /// Sends one datagram with this many values.
    pub(super) fn send(
        &mut self,
        datagram: &[u8],
        values: usize,
        deadline: Instant,
    ) -> Result<(), Failure> {
        if Instant::now() >= deadline {
            return Err(failure("slow", values, "it does not read fast enough"));
        }
        let mut sent = self.try_send(datagram);
        if sent.is_err() && matches!(self.open, Some(Open::Unix(_))) && !is_full(&sent) {
            // Whoever had the socket is gone; somebody else may have it by now.
            self.open = None;
            sent = self.try_send(datagram);
        }
        match sent {
            Ok(()) => {
                self.on_the_way = values;
                Ok(())
            }
            Err(error) => Err(self.failed(&error, values)),
        }
    }

    fn try_send(&mut self, datagram: &[u8]) -> io::Result<()> {
        if let Some(Open::Udp(_, since)) = &self.open
            && since.elapsed() > LOOK_UP_EVERY
        {
            self.open = None;
        }
        if self.open.is_none() {
            self.open = Some(open(&self.address)?);
        }
        match &self.open {
            Some(Open::Udp(socket, _)) => socket.send(datagram).map(drop),
            Some(Open::Unix(socket)) => socket.send(datagram).map(drop),
            None => Err(ErrorKind::NotConnected.into()),
        }
    }

    fn failed(&mut self, error: &io::Error, values: usize) -> Failure {
        let mut lost = values;
        let reason = match error.kind() {
            ErrorKind::ConnectionRefused => {
                // The kernel tells of a datagram that nobody took when the next one is sent, which it does not send.
                lost += std::mem::take(&mut self.on_the_way);
                "refused"
            }
            ErrorKind::NotFound => "no_socket",
            ErrorKind::WouldBlock | ErrorKind::TimedOut => "full",
            ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => "unreachable",
            // What a resolver says has no kind of its own.
            _ if self.open.is_none() => "unresolved",
            _ => "send",
        };
        if !matches!(reason, "full" | "refused") {
            self.open = None;
        }
        failure(reason, lost, &error.to_string())
    }
}

fn failure(reason: &'static str, lost: usize, message: &str) -> Failure {
    let message = message.to_owned();
    Failure {
        reason,
        lost,
        message,
    }
}

fn is_full(sent: &io::Result<()>) -> bool {
    let kind = sent.as_ref().err().map(io::Error::kind);
    matches!(kind, Some(ErrorKind::WouldBlock | ErrorKind::TimedOut))
}

fn open(address: &DogstatsdAddress) -> io::Result<Open> {
    match address {
        DogstatsdAddress::Unix(path) => {
            let socket = UnixDatagram::unbound()?;
            socket.connect(path)?;
            socket.set_write_timeout(Some(SEND_MAX))?;
            Ok(Open::Unix(socket))
        }
        DogstatsdAddress::Udp { host, port } => {
            let to = look_up(host, *port)?;
            let from: IpAddr = match to {
                SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
                SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
            };
            let socket = UdpSocket::bind((from, 0))?;
            // Connected, so that a refusal is heard of.
            socket.connect(to)?;
            socket.set_write_timeout(Some(SEND_MAX))?;
            Ok(Open::Udp(socket, Instant::now()))
        }
    }
}

/// An IPv4 address if there is one: that is where Agents listen unless told otherwise, on `localhost` too.
fn look_up(host: &str, port: u16) -> io::Result<SocketAddr> {
    let found: Vec<SocketAddr> = (host, port).to_socket_addrs()?.collect();
    let first = found.iter().find(|to| to.is_ipv4()).or(found.first());
    first
        .copied()
        .ok_or_else(|| io::Error::other(format!("{host} has no address")))
}

impl fmt::Display for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.address {
            DogstatsdAddress::Udp { host, port } => write!(f, "udp://{host}:{port}"),
            DogstatsdAddress::Unix(path) => write!(f, "unix://{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(5)
    }

    #[test]
    fn a_unix_socket_may_vanish_and_come_back() {
        let path = std::env::temp_dir().join(format!("dsd-{}.socket", std::process::id()));
        let mut socket = Socket::new(DogstatsdAddress::Unix(path.clone()));
        let mut reason = |values| {
            socket
                .send(b"a:1|c", values, soon())
                .map_err(|f| (f.reason, f.lost))
        };
        assert_eq!(reason(3), Err(("no_socket", 3)));
        for _ in 0..2 {
            let receiver = UnixDatagram::bind(&path).unwrap();
            assert_eq!(reason(1), Ok(()), "it is found again at once");
            let mut buffer = [0; 16];
            assert_eq!(receiver.recv(&mut buffer).unwrap(), 5);
            drop(receiver);
            assert_eq!(
                reason(1),
                Err(("refused", 2)),
                "the file of one that is gone"
            );
            std::fs::remove_file(&path).unwrap();
        }
    }

    #[test]
    fn a_receiver_that_does_not_read_costs_no_more_than_the_time_of_a_flush() {
        let path = std::env::temp_dir().join(format!("dsd-full-{}.socket", std::process::id()));
        let receiver = UnixDatagram::bind(&path).unwrap();
        let mut socket = Socket::new(DogstatsdAddress::Unix(path.clone()));
        let deadline = Instant::now() + Duration::from_millis(300);
        let reasons: Vec<_> = (0..2_000)
            .filter_map(|_| socket.send(&[b'x'; 4096], 1, deadline).err())
            .map(|failure| failure.reason)
            .collect();
        assert!(reasons.contains(&"full") && reasons.contains(&"slow"));
        drop(receiver);
        std::fs::remove_file(&path).unwrap();
    }

    #[test]
    fn a_refusal_over_udp_is_counted_with_the_datagram_that_was_refused() {
        let port = UdpSocket::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let host = "127.0.0.1".to_owned();
        let mut socket = Socket::new(DogstatsdAddress::Udp { host, port });
        let lost: usize = (0..20)
            .filter_map(|_| socket.send(b"a:1|c", 1, soon()).err())
            .inspect(|failure| assert_eq!(failure.reason, "refused"))
            .map(|failure| failure.lost)
            .sum();
        assert_eq!(lost, 20);
    }

    #[test]
    fn a_name_without_an_address_is_said() {
        let host = "no-such-host.invalid".to_owned();
        let mut socket = Socket::new(DogstatsdAddress::Udp { host, port: 1 });
        assert_eq!(
            socket.send(b"a:1|c", 1, soon()).unwrap_err().reason,
            "unresolved"
        );
    }
}
