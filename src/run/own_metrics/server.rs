//! `/metrics` of a run: one small server that never competes with the load.
//!
//! One connection at a time, answered and closed; each has [`CONNECTION_MAX`] for everything, and further ones wait in the
//! system's own bounded queue.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use telemetry::metrics::CONTENT_TYPE;

/// Longest that a client may take over its question and the answer.
const CONNECTION_MAX: Duration = Duration::from_secs(2);
/// Longest question.
const REQUEST_BYTES_MAX: usize = 8 * 1024;
/// How often it looks whether it shall end.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// What is served: the metrics as they were when a tick was over, so that no scrape sees half of one. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Page(Arc<Mutex<Arc<str>>>);

impl Page {
    /// Replaces it.
    pub(super) fn publish(&self, text: String) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = text.into();
    }

    fn read(&self) -> Arc<str> {
        Arc::clone(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A running server; dropped, it stops and is joined.
pub(super) struct Server {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Listens and serves.
    pub(super) fn start(address: SocketAddr, page: Page) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let stop = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&stop);
        let thread = thread::Builder::new()
            .name("metrics".to_owned())
            .spawn(move || serve(&listener, &page, &told))?;
        Ok(Self {
            address,
            stop,
            thread: Some(thread),
        })
    }

    /// Where it listens.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // It does not panic; if it did, there is nothing left to serve.
            let _ = thread.join();
        }
    }
}

fn serve(listener: &TcpListener, page: &Page, stop: &AtomicBool) {
    while !stop.load(Ordering::Relaxed) {
        match listener.accept() {
            // A client that goes away early only harms itself.
            Ok((stream, _)) => drop(answer(stream, page, stop)),
            // Nobody there, or no descriptor free: both pass.
            Err(_) => thread::sleep(LOOK_EVERY),
        }
    }
}

fn answer(mut stream: TcpStream, page: &Page, stop: &AtomicBool) -> io::Result<()> {
    stream.set_nonblocking(false)?;
    let deadline = Instant::now() + CONNECTION_MAX;
    let Some(request) = read(&mut stream, deadline, stop)? else {
        return Ok(());
    };
    let (status, body) = match request.as_str() {
        "GET /metrics" => ("200 OK", page.read()),
        other if other.starts_with("GET ") => ("404 Not Found", "there is /metrics alone\n".into()),
        _ => ("405 Method Not Allowed", "use GET\n".into()),
    };
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: {CONTENT_TYPE}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    let left = deadline.saturating_duration_since(Instant::now());
    stream.set_write_timeout(Some(left.max(LOOK_EVERY)))?;
    stream.write_all(head.as_bytes())?;
    stream.write_all(body.as_bytes())
}

/// Method and path, without a query, once the whole head is there; `None` when it does not come.
fn read(
    stream: &mut TcpStream,
    deadline: Instant,
    stop: &AtomicBool,
) -> io::Result<Option<String>> {
    let mut head = Vec::new();
    let mut piece = [0; 1024];
    stream.set_read_timeout(Some(LOOK_EVERY))?;
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        if head.len() > REQUEST_BYTES_MAX
            || Instant::now() > deadline
            || stop.load(Ordering::Relaxed)
        {
            return Ok(None);
        }
        match stream.read(&mut piece) {
            Ok(0) => return Ok(None),
            Ok(read) => head.extend_from_slice(&piece[..read]),
            Err(error) if is_wait(&error) => {}
            Err(error) => return Err(error),
        }
    }
    let text = String::from_utf8_lossy(&head);
    let mut words = text.split_whitespace();
    let (method, target) = (words.next(), words.next());
    Ok(method.zip(target).map(|(method, target)| {
        let path = target.split('?').next().unwrap_or(target);
        format!("{method} {path}")
    }))
}

fn is_wait(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted
    )
}
