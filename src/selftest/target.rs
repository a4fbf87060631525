//! A small HTTP target whose latency is known exactly: what the generator is measured against.
//!
//! It runs on a thread of its own with the same fine timer as the generator, but without its grain. The n-th request waits for
//! the n-th point of a shuffled, evenly spaced set of quantiles, so the delays of one period have exactly the distribution asked
//! for and the truth is no sample but a formula. A delay begins with the time at which the operating system took the request in.
//! Between delay and answer lies little more than one system call: what a web server does there would be taken for an error of
//! the generator. Must not know: the engine.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::net::{SocketAddr, TcpListener};
use std::rc::Rc;
use std::task::{Poll, ready};
use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt as _;
use tokio::sync::watch;

use crate::engine::timer::Timer;
use crate::permutation::Permutation;
use crate::runtime::local_runtime;
use crate::transport::stamped::StampedTcp;

mod request;

use request::{Incoming, Malformed, Request};

/// The body of every answer.
const BODY: &str = r#"{"id":42,"status":"ok","token":"c2VsZnRlc3Q"}"#;

/// The answer to what is no request.
const REFUSAL: &[u8] =
    b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

/// Most that is read by one system call.
const READ_BYTES_MAX: usize = 64 * 1024;

/// A distribution of service times whose quantile function is known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Latency {
    /// Always the same.
    Constant(Duration),
    /// Exponential with this mean.
    Exponential {
        /// Mean.
        mean: Duration,
    },
    /// Log-normal.
    LogNormal {
        /// Median.
        median: Duration,
        /// Standard deviation of the natural logarithm.
        sigma: f64,
    },
    /// Two uniform humps, `[low, 2·low]` and `[high, 2·high]`; `share` of requests are in the high one.
    Bimodal {
        /// Begin of the fast hump.
        low: Duration,
        /// Begin of the slow hump.
        high: Duration,
        /// Share of requests in the slow hump, 0…1.
        share: f64,
    },
}

impl Latency {
    /// The quantile function, 0 < q < 1.
    pub fn quantile(&self, q: f64) -> Duration {
        match *self {
            Self::Constant(time) => time,
            Self::Exponential { mean } => mean.mul_f64(-(1.0 - q).ln()),
            Self::LogNormal { median, sigma } => median.mul_f64((sigma * normal_quantile(q)).exp()),
            Self::Bimodal { low, share, .. } if q < 1.0 - share => {
                low.mul_f64(1.0 + q / (1.0 - share))
            }
            Self::Bimodal { high, share, .. } => high.mul_f64(1.0 + (q - (1.0 - share)) / share),
        }
    }
}

/// The standard normal distribution's quantile function.
///
/// P. J. Acklam, "An algorithm for computing the inverse normal cumulative distribution function" (2003); relative error below
/// 1.15e-9.
fn normal_quantile(q: f64) -> f64 {
    const A: [f64; 6] = [
        -3.969683028665376e1,
        2.209460984245205e2,
        -2.759285104469687e2,
        1.38357751867269e2,
        -3.066479806614716e1,
        2.506628277459239,
    ];
    const B: [f64; 5] = [
        -5.447609879822406e1,
        1.615858368580409e2,
        -1.556989798598866e2,
        6.680131188771972e1,
        -1.328068155288572e1,
    ];
    const C: [f64; 6] = [
        -7.784894002430293e-3,
        -3.223964580411365e-1,
        -2.400758277161838,
        -2.549732539343734,
        4.374664141464968,
        2.938163982698783,
    ];
    const D: [f64; 4] = [
        7.784695709041462e-3,
        3.224671290700398e-1,
        2.445134137142996,
        3.754408661907416,
    ];
    let polynomial =
        |coefficients: &[f64], x: f64| coefficients.iter().fold(0.0, |sum, c| sum * x + c);
    let tail = |p: f64| {
        let x = (-2.0 * p.ln()).sqrt();
        polynomial(&C, x) / (polynomial(&D, x) * x + 1.0)
    };
    match q {
        q if q < 0.02425 => tail(q),
        q if q > 1.0 - 0.02425 => -tail(1.0 - q),
        q => {
            let (x, r) = (q - 0.5, (q - 0.5) * (q - 0.5));
            polynomial(&A, r) * x / (polynomial(&B, r) * r + 1.0)
        }
    }
}

/// What the target does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Behaviour {
    /// Service times.
    pub latency: Latency,
    /// Points of the distribution in one period; each comes once before any comes again.
    pub period: u64,
    /// Answers nothing during `[begin, begin + length)` since the first request; what came in is answered afterwards.
    pub stall: Option<(Duration, Duration)>,
}

/// A running target; stops when dropped.
pub struct Target {
    /// Where it listens.
    pub address: SocketAddr,
    stop: watch::Sender<bool>,
    thread: Option<std::thread::JoinHandle<std::io::Result<()>>>,
}

impl Target {
    /// Starts a target on a loopback port; 0 takes a free one.
    ///
    /// # Errors
    /// When no port or thread can be had.
    pub fn start(port: u16, behaviour: Behaviour) -> std::io::Result<Self> {
        let listener = listen(port)?;
        let address = listener.local_addr()?;
        let (stop, stopped) = watch::channel(false);
        let thread = std::thread::Builder::new()
            .name("target".to_owned())
            .spawn(move || {
                local_runtime()?.block_on(async {
                    tokio::task::spawn_local(serve(listener, behaviour, stopped)).await?
                })
            })?;
        Ok(Self {
            address,
            stop,
            thread: Some(thread),
        })
    }

    /// Its base URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        let _ = self.stop.send(true);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What all connections share.
struct TargetState {
    behaviour: Behaviour,
    order: Permutation,
    timer: Timer,
    answers: Answers,
    input: RefCell<Box<[u8]>>,
    requests: Cell<u64>,
    first: Cell<Option<Instant>>,
}

impl TargetState {
    /// When the request that came in now is to be answered.
    fn answer_at(&self, now: Instant) -> Instant {
        let number = self.requests.replace(self.requests.get() + 1);
        let point = self.order.at(number % self.behaviour.period);
        let q = (point as f64 + 0.5) / self.behaviour.period as f64;
        let delay = self.behaviour.latency.quantile(q);
        let first = self.first.get().unwrap_or(now);
        self.first.set(Some(first));
        match self.behaviour.stall {
            Some((begin, length)) if now >= first + begin && now < first + begin + length => {
                first + begin + length + delay
            }
            _ => now + delay,
        }
    }
}

/// A stall must not be mistaken for refused connections: the backlog holds all that come meanwhile.
fn listen(port: u16) -> std::io::Result<TcpListener> {
    let listener = TcpListener::bind(("127.0.0.1", port))?;
    rustix::net::listen(&listener, 16_384)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

async fn serve(
    listener: TcpListener,
    behaviour: Behaviour,
    mut stop: watch::Receiver<bool>,
) -> std::io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let timer = Timer::new(Duration::ZERO)?;
    let driver = timer.clone();
    let driving = tokio::task::spawn_local(async move { driver.drive(|| false).await });
    let order = Permutation::new(behaviour.period, 0x5e1f);
    let shared = Rc::new(TargetState {
        behaviour,
        order,
        timer,
        answers: Answers::new(),
        input: RefCell::new(vec![0; READ_BYTES_MAX].into()),
        requests: Cell::new(0),
        first: Cell::new(None),
    });
    let mut connections = tokio::task::JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let (stream, _) = accepted?;
                let _ = stream.set_nodelay(true);
                connections.spawn_local(connection(stream, shared.clone()));
            }
            _ = stop.changed() => break,
        }
    }
    driving.abort();
    connections.shutdown().await;
    Ok(())
}

/// Answers request after request. A client that goes away is no concern of the target.
async fn connection(stream: tokio::net::TcpStream, shared: Rc<TargetState>) {
    let mut stream = StampedTcp::new(stream);
    let mut incoming = Incoming::default();
    while let Some((request, arrived)) = next(&stream, &mut incoming, &shared.input).await {
        let Ok(request) = request else {
            let _ = stream.write_all(REFUSAL).await;
            return;
        };
        // The delay begins when the request reached this machine, not when this thread got round to it.
        shared.timer.sleep_until(shared.answer_at(arrived)).await;
        let answer = shared.answers.to(request);
        if stream.write_all(answer).await.is_err() || !request.keeps_open {
            return;
        }
    }
}

/// The next request, or what is none, and when its last byte came; `None` at the end of the connection.
async fn next(
    stream: &StampedTcp,
    incoming: &mut Incoming,
    input: &RefCell<Box<[u8]>>,
) -> Option<(Result<Request, Malformed>, Instant)> {
    if let Some(request) = incoming.take().transpose() {
        return Some((request, Instant::now()));
    }
    poll_fn(|cx| {
        let mut input = input.borrow_mut();
        loop {
            let Ok((length @ 1.., arrived)) = ready!(stream.poll_receive(cx, &mut input)) else {
                return Poll::Ready(None);
            };
            incoming.push(&input[..length]);
            if let Some(request) = incoming.take().transpose() {
                return Poll::Ready(Some((request, arrived.instant())));
            }
        }
    })
    .await
}

/// What the target answers: a small JSON object, with a cookie for whoever asks for `/cookie`.
struct Answers {
    plain: Vec<u8>,
    cookie: Vec<u8>,
}

impl Answers {
    fn new() -> Self {
        let answer = |more: &str| {
            let length = BODY.len();
            format!(
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n{more}content-length: {length}\r\n\r\n{BODY}"
            )
            .into_bytes()
        };
        Self {
            plain: answer(""),
            cookie: answer("set-cookie: visit=selftest; Path=/; HttpOnly\r\n"),
        }
    }

    fn to(&self, request: Request) -> &[u8] {
        let answer = if request.wants_cookie {
            &self.cookie
        } else {
            &self.plain
        };
        // An answer to HEAD ends with its head.
        let length = answer.len() - if request.is_head { BODY.len() } else { 0 };
        &answer[..length]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantile_functions_give_the_textbook_values() {
        let ms = Duration::from_millis;
        let near = |a: Duration, b: Duration| a.abs_diff(b) < Duration::from_nanos(1000);
        assert!(near(
            Latency::Exponential { mean: ms(10) }.quantile(0.5),
            ms(10).mul_f64(std::f64::consts::LN_2)
        ));
        assert!(near(
            Latency::LogNormal {
                median: ms(5),
                sigma: 0.5
            }
            .quantile(0.5),
            ms(5)
        ));
        assert!(near(
            Latency::LogNormal {
                median: ms(5),
                sigma: 1.0
            }
            .quantile(0.975),
            ms(5).mul_f64(1.959963985_f64.exp())
        ));
        assert!(near(
            Latency::LogNormal {
                median: ms(5),
                sigma: 1.0
            }
            .quantile(0.001),
            ms(5).mul_f64((-3.090232306_f64).exp())
        ));
        let bimodal = Latency::Bimodal {
            low: ms(2),
            high: ms(20),
            share: 0.1,
        };
        assert!(near(bimodal.quantile(0.45), ms(3)));
        assert!(near(bimodal.quantile(0.95), ms(30)));
    }
}
