//! TCP connections to a name that has several addresses: "Happy Eyeballs" (RFC 8305).
//!
//! Must not know: HTTP, TLS, scenarios.

use std::cell::Cell;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::net::TcpStream;

use super::Failure;

/// How long an attempt may go on before the next address is tried beside it (RFC 8305, 5: the connection attempt delay).
const STAGGER: Duration = Duration::from_millis(250);

/// Most addresses of one name that are tried.
const ADDRESSES_MAX: usize = 32;

/// The addresses of a name in the order in which they are tried, and which of them answered first.
#[derive(Debug)]
pub(super) struct Addresses {
    list: Vec<SocketAddr>,
    /// Index of the address that won last: it goes before the others, so that a run stays where it began.
    won: AtomicUsize,
}

impl Addresses {
    /// Of a name: the families take turns, each in the resolver's order. IPv4 comes first. Browsers begin with IPv6 and, where it
    /// leads nowhere, lose the delay between two attempts; a load generator must not begin a measurement with that.
    pub(super) fn of(found: impl IntoIterator<Item = SocketAddr>) -> Self {
        let (first, second): (Vec<_>, Vec<_>) = found
            .into_iter()
            .take(ADDRESSES_MAX)
            .partition(SocketAddr::is_ipv4);
        let mut list = Vec::with_capacity(first.len() + second.len());
        let (mut first, mut second) = (first.into_iter(), second.into_iter());
        loop {
            let before = list.len();
            list.extend(first.next());
            list.extend(second.next());
            if list.len() == before {
                break;
            }
        }
        Self {
            list,
            won: AtomicUsize::new(0),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Indices in the order in which they are tried now.
    fn in_turn(&self) -> impl Iterator<Item = usize> + use<> {
        let won = self.won.load(Ordering::Relaxed);
        let others = (0..self.list.len()).filter(move |index| *index != won);
        std::iter::once(won).chain(others)
    }

    /// Connects to the first address that answers. One that refuses gives way to the next at once, one that is silent after
    /// [`STAGGER`]; it may still win. Whoever loses is dropped. Without an end of its own: the caller's time limit bounds it.
    ///
    /// # Errors
    /// The most telling of all that went wrong; of several that tell as much, the last.
    pub(super) async fn connect(&self, reached: &Reached) -> Result<TcpStream, Failure> {
        match self.list[..] {
            [] => return Err(Failure::Dns),
            [only] => return attempt(only, reached).await,
            _ => {}
        }
        let mut waiting = self.in_turn().peekable();
        let mut under_way = FuturesUnordered::new();
        let mut failed = Failure::Dns;
        loop {
            if let Some(index) = waiting.next() {
                let address = self.list[index];
                under_way.push(async move { (index, attempt(address, reached).await) });
            }
            let ended = tokio::select! {
                ended = under_way.next() => ended,
                () = tokio::time::sleep(STAGGER), if waiting.peek().is_some() => continue,
            };
            match ended {
                Some((index, Ok(tcp))) => {
                    self.won.store(index, Ordering::Relaxed);
                    return Ok(tcp);
                }
                Some((_, Err(failure))) if telling(failure) >= telling(failed) => failed = failure,
                Some(_) => {}
                None => return Err(failed),
            }
        }
    }
}

/// How much a failure says about the target: what this machine lacks more than that nobody listens, that more than that the way is
/// barred, and all of it more than that there was nothing to try.
fn telling(failure: Failure) -> u8 {
    match failure {
        Failure::Dns => 0,
        Failure::ConnectRefused => 2,
        failure if failure.is_own_fault() => 3,
        _ => 1,
    }
}

async fn attempt(address: SocketAddr, reached: &Reached) -> Result<TcpStream, Failure> {
    let connected = TcpStream::connect(address).await;
    let tcp = connected.map_err(|error| reached.failure(&error, address))?;
    reached.note(address);
    // Requests are small and written whole; waiting for more to send would only add delay.
    let _ = tcp.set_nodelay(true);
    Ok(tcp)
}

/// Whether connections were ever made, over IPv4 and over IPv6.
#[derive(Default)]
pub(super) struct Reached {
    v4: Cell<bool>,
    v6: Cell<bool>,
}

impl Reached {
    fn by(&self, address: SocketAddr) -> &Cell<bool> {
        if address.is_ipv4() {
            &self.v4
        } else {
            &self.v6
        }
    }

    fn note(&self, address: SocketAddr) {
        self.by(address).set(true);
    }

    fn failure(&self, error: &io::Error, address: SocketAddr) -> Failure {
        match Failure::of_io(error, Failure::Connect) {
            Failure::Reset => Failure::Connect,
            // Where no connection of the kind was ever made, the address is to blame (IPv6 on a machine without it), not the
            // ports.
            Failure::OutOfPorts if !self.by(address).get() => Failure::Connect,
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::time::Instant;

    use super::*;

    fn connect(addresses: &Addresses) -> Result<SocketAddr, Failure> {
        let runtime = crate::runtime::local_runtime().unwrap();
        let reached = Reached::default();
        runtime.block_on(async {
            let tcp = addresses.connect(&reached).await?;
            Ok(tcp.peer_addr().unwrap())
        })
    }

    /// An address where nobody listens.
    fn closed() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    }

    #[test]
    fn families_take_turns() {
        let of = |text: &str| -> SocketAddr { text.parse().unwrap() };
        let found = ["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1", "2.2.2.2:1"].map(of);
        let order = ["1.1.1.1:1", "[::1]:1", "2.2.2.2:1", "[::2]:1", "[::3]:1"].map(of);
        assert_eq!(Addresses::of(found).list, order);
        assert!(Addresses::of([]).is_empty());
    }

    #[test]
    fn a_refusal_gives_way_at_once_and_the_winner_goes_first_from_then_on() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let open = listener.local_addr().unwrap();
        let addresses = Addresses::of([closed(), closed(), open]);
        let begin = Instant::now();
        assert_eq!(connect(&addresses), Ok(open));
        assert!(
            begin.elapsed() < 2 * STAGGER,
            "it waited for an answer it had"
        );
        assert_eq!(addresses.in_turn().collect::<Vec<_>>(), [2, 0, 1]);
    }

    #[test]
    fn one_that_is_silent_does_not_hold_up_the_others() {
        // Its queue of connections is full: whoever comes now gets no answer.
        let silent = rustix::net::socket(
            rustix::net::AddressFamily::INET,
            rustix::net::SocketType::STREAM,
            None,
        )
        .unwrap();
        let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
        rustix::net::bind(&silent, &any).unwrap();
        rustix::net::listen(&silent, 0).unwrap();
        let silent = TcpListener::from(silent);
        let address = silent.local_addr().unwrap();
        let limit = Duration::from_millis(100);
        let mut held = Vec::new();
        while let Ok(tcp) = std::net::TcpStream::connect_timeout(&address, limit) {
            held.push(tcp);
            assert!(held.len() < 64, "it takes them all");
        }
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let open = listener.local_addr().unwrap();
        assert_eq!(connect(&Addresses::of([address, open])), Ok(open));
    }

    #[test]
    fn the_most_telling_failure_is_told() {
        let both = Addresses::of([closed(), closed()]);
        assert_eq!(connect(&both), Err(Failure::ConnectRefused));
        let by_weight = [
            Failure::Dns,
            Failure::Connect,
            Failure::ConnectRefused,
            Failure::OutOfDescriptors,
        ];
        assert!(by_weight.is_sorted_by_key(|failure| telling(*failure)));
        assert_eq!(connect(&Addresses::of([])), Err(Failure::Dns));
    }
}
