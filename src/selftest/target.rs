//! A small HTTP target whose latency is known exactly: what the generator is measured against.
//!
//! It runs on a thread of its own with the same fine timer as the generator, but without its grain. The n-th request waits for
//! the n-th point of a shuffled, evenly spaced set of quantiles, so the delays of one period have exactly the distribution asked
//! for and the truth is no sample but a formula. A delay begins with the time at which the operating system took the request in.
//! A sleeper wakes some ten microseconds late, always; the target measures that once and asks to be woken that much earlier. Must
//! not know: the engine.

use std::cell::Cell;
use std::convert::Infallible;
use std::net::{SocketAddr, TcpListener};
use std::rc::Rc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue, SET_COOKIE};
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::sync::watch;

use crate::engine::local_runtime;
use crate::engine::timer::Timer;
use crate::permutation::Permutation;
use crate::transport::stamped::StampedTcp;

/// What the target answers.
const ANSWER: &[u8] = br#"{"id":42,"status":"ok","token":"c2VsZnRlc3Q"}"#;

/// Sleeps, and their length, by which the target finds out how late this machine wakes a sleeper.
const LATENESS_TRIES: usize = 101;
const LATENESS_SLEEP: Duration = Duration::from_micros(500);

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
struct Shared {
    behaviour: Behaviour,
    order: Permutation,
    timer: Timer,
    /// How late this machine wakes a sleeper, usually: sleeps are that much shorter.
    lateness: Duration,
    requests: Cell<u64>,
    first: Cell<Option<Instant>>,
}

impl Shared {
    /// When the request that came in now is to be answered.
    fn answer_at(&self, now: Instant) -> Instant {
        let number = self.requests.replace(self.requests.get() + 1);
        let point = self.order.at(number % self.behaviour.period);
        let q = (point as f64 + 0.5) / self.behaviour.period as f64;
        let delay = self.behaviour.latency.quantile(q);
        let delay = delay.saturating_sub(self.lateness);
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
    let driving = tokio::task::spawn_local(async move { driver.drive().await });
    let order = Permutation::new(behaviour.period, 0x5e1f);
    let lateness = usual_lateness(&timer).await;
    let shared = Rc::new(Shared {
        behaviour,
        order,
        timer,
        lateness,
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

/// The median of how much later than asked for a sleeper wakes.
async fn usual_lateness(timer: &Timer) -> Duration {
    let mut found = Vec::with_capacity(LATENESS_TRIES);
    for _ in 0..LATENESS_TRIES {
        let due = Instant::now() + LATENESS_SLEEP;
        timer.sleep_until(due).await;
        found.push(due.elapsed());
    }
    found.sort_unstable();
    found[LATENESS_TRIES / 2]
}

async fn connection(stream: tokio::net::TcpStream, shared: Rc<Shared>) {
    let stream = StampedTcp::new(stream);
    let last = stream.last_arrived();
    let answer = service_fn(move |request: Request<Incoming>| {
        let shared = shared.clone();
        // The delay begins when the request reached this machine, not when this thread got round to it.
        let due = shared.answer_at(last.get().instant());
        async move {
            shared.timer.sleep_until(due).await;
            Ok::<_, Infallible>(answer_to(request.uri().path()))
        }
    });
    // A client that goes away is no concern of the target.
    let _ = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), answer)
        .await;
}

/// A small JSON object, and a cookie for whoever asks for `/cookie`.
fn answer_to(path: &str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from_static(ANSWER)));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if path == "/cookie" {
        let cookie = HeaderValue::from_static("visit=selftest; Path=/; HttpOnly");
        headers.insert(SET_COOKIE, cookie);
    }
    response
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
