//! DogStatsD over UDP or a Unix datagram socket: one thread that reads, understands and hands on.

use std::io;
use std::net::UdpSocket;
use std::os::fd::AsFd;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::DogStatsdAddress;
use crate::recording::drops::Reason;
use crate::recording::recorder::Feed;
use crate::recording::signal::{Batch, Event, Observation, ServiceCheck, cut};
use crate::recording::yield_to_load;
use crate::redact::Shown;

pub mod line;

use line::Line;

/// Largest datagram.
const DATAGRAM_BYTES_MAX: usize = 65_536;
/// What the system is asked to keep while the thread is busy, bytes; it may give less.
const SOCKET_BYTES: usize = 8 * 1024 * 1024;
/// How often the thread looks whether it shall end, and hands on what it has.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Observations that are handed on together.
const BATCH_MAX: usize = 2_000;
/// How long what the system still holds is read at the end.
const DRAIN_MAX: Duration = Duration::from_secs(2);
/// How much of a line that is not understood is shown.
const EXAMPLE_BYTES_MAX: usize = 200;

/// A running receiver; dropped, it reads what has arrived, stops and is joined.
pub struct DogStatsdServer {
    place: DogStatsdAddress,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

enum Socket {
    Udp(UdpSocket),
    /// Made for the run, and removed after it.
    Unix(UnixDatagram, PathBuf),
}

impl DogStatsdServer {
    /// Listens at `place`, and hands on what comes.
    ///
    /// # Errors
    /// When nothing can listen there.
    pub fn start(place: &DogStatsdAddress, feed: Feed) -> io::Result<Self> {
        let socket = Socket::bind(place)?;
        let place = socket.place()?;
        let stop = Arc::new(AtomicBool::new(false));
        let told = stop.clone();
        let thread = std::thread::Builder::new()
            .name("dogstatsd".to_owned())
            .spawn(move || Reading::new(feed).run(&socket, &told))?;
        Ok(Self {
            place,
            stop,
            thread: Some(thread),
        })
    }

    /// Where it listens, as `DD_DOGSTATSD_URL` names it.
    pub fn url(&self) -> String {
        self.place.to_string()
    }
}

impl Drop for DogStatsdServer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // It does not panic; if it did, there is nothing left to hand on.
            let _ = thread.join();
        }
    }
}

impl Socket {
    fn bind(place: &DogStatsdAddress) -> io::Result<Self> {
        let socket = match place {
            DogStatsdAddress::Udp(address) => Self::Udp(UdpSocket::bind(address)?),
            DogStatsdAddress::Unix(path) => Self::Unix(UnixDatagram::bind(path)?, path.clone()),
        };
        // Where the system gives less, less is kept.
        let _ = match &socket {
            Self::Udp(socket) => enlarge(socket),
            Self::Unix(socket, path) => own(path).and_then(|()| enlarge(socket)),
        };
        match &socket {
            Self::Udp(socket) => socket.set_read_timeout(Some(LOOK_EVERY))?,
            Self::Unix(socket, _) => socket.set_read_timeout(Some(LOOK_EVERY))?,
        }
        Ok(socket)
    }

    fn place(&self) -> io::Result<DogStatsdAddress> {
        Ok(match self {
            Self::Udp(socket) => DogStatsdAddress::Udp(socket.local_addr()?),
            Self::Unix(_, path) => DogStatsdAddress::Unix(path.clone()),
        })
    }

    fn receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Udp(socket) => socket.recv(buffer),
            Self::Unix(socket, _) => socket.recv(buffer),
        }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if let Self::Unix(_, path) = self {
            // Somebody may have removed it already.
            let _ = std::fs::remove_file(path);
        }
    }
}

fn enlarge(socket: &impl AsFd) -> io::Result<()> {
    Ok(rustix::net::sockopt::set_socket_recv_buffer_size(
        socket,
        SOCKET_BYTES,
    )?)
}

/// Other users cannot send.
fn own(path: &Path) -> io::Result<()> {
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(path, mode)
}

/// What was understood and not handed on yet.
struct Reading {
    feed: Feed,
    observations: Vec<Observation>,
    checks: Vec<ServiceCheck>,
    events: Vec<Event>,
    handed_on: Instant,
    has_warned: bool,
}

impl Reading {
    fn new(feed: Feed) -> Self {
        Self {
            feed,
            observations: Vec::new(),
            checks: Vec::new(),
            events: Vec::new(),
            handed_on: Instant::now(),
            has_warned: false,
        }
    }

    fn run(mut self, socket: &Socket, stop: &AtomicBool) {
        yield_to_load();
        let mut buffer = vec![0; DATAGRAM_BYTES_MAX];
        let mut deadline = None;
        loop {
            let is_stopping = stop.load(Ordering::Relaxed);
            if is_stopping {
                let until = *deadline.get_or_insert_with(|| Instant::now() + DRAIN_MAX);
                if Instant::now() > until {
                    break;
                }
            }
            match socket.receive(&mut buffer) {
                Ok(length) => self.datagram(&buffer[..length]),
                // Nothing there any more.
                Err(_) if is_stopping => break,
                Err(error) if is_wait(&error) => {}
                Err(_) => std::thread::sleep(LOOK_EVERY),
            }
            if self.observations.len() >= BATCH_MAX || self.handed_on.elapsed() >= LOOK_EVERY {
                self.hand_on();
            }
        }
        self.hand_on();
    }

    fn datagram(&mut self, bytes: &[u8]) {
        for line in bytes.split(|byte| *byte == b'\n') {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if line.is_empty() {
                continue;
            }
            match line::parse(line) {
                Ok(Line::Metric(observations)) => self.observations.extend(observations),
                Ok(Line::Check(check)) => self.checks.push(check),
                Ok(Line::Event(event)) => self.events.push(event),
                Err(why) => self.malformed(line, why),
            }
        }
    }

    /// Counted, and the first one shown: a client that sends one sends thousands.
    fn malformed(&mut self, line: &[u8], why: line::Malformed) {
        self.feed.drops().add(Reason::Malformed, 1);
        if !std::mem::replace(&mut self.has_warned, true) {
            let line = String::from_utf8_lossy(line);
            let line = Shown::from(cut(&line, EXAMPLE_BYTES_MAX));
            tracing::warn!(%line, "a DogStatsD line was not understood: {why}; further ones are counted");
        }
    }

    fn hand_on(&mut self) {
        self.handed_on = Instant::now();
        let batches = [
            Batch::Observations(std::mem::take(&mut self.observations)),
            Batch::Checks(std::mem::take(&mut self.checks)),
            Batch::Events(std::mem::take(&mut self.events)),
        ];
        for batch in batches.into_iter().filter(|batch| !batch.is_empty()) {
            // What is not taken is counted.
            self.feed.offer(batch);
        }
    }
}

fn is_wait(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted
    )
}
