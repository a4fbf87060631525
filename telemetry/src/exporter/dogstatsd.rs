//! Metrics by DogStatsD, over UDP or a Unix datagram socket: every two seconds what the series have gathered, several values
//! packed in one line and several lines in one datagram. Raw values of histograms and distributions leave as distributions,
//! so that the receiver computes percentiles. Why no client of others: docs/decisions/telemetry-export.md.

mod lines;
mod socket;

use std::time::{Duration, Instant};

use lines::Lines;
use socket::Socket;

use super::{ExportError, Exporter, Signal, Wants};
use crate::metrics::Collector;
use crate::settings::{DogstatsdAddress, DogstatsdSettings};

/// How often metrics are sent; receivers sum up ten seconds.
const FLUSH_EVERY: Duration = Duration::from_secs(2);
/// Longest that all datagrams of one flush may wait for a receiver; what is left then is dropped.
const FLUSH_MAX: Duration = Duration::from_secs(1);
/// Largest datagram over UDP: what fits into one packet everywhere.
const UDP_BYTES_MAX: usize = 1432;
/// Largest datagram over a Unix socket: what receivers read at once.
const UNIX_BYTES_MAX: usize = 8192;

/// Sends metrics by DogStatsD.
#[derive(Debug)]
pub struct Dogstatsd {
    socket: Socket,
    lines: Lines,
}

impl Dogstatsd {
    /// An exporter to the receiver that the settings name; `tags` stand on every metric. Nothing is opened yet.
    pub fn new(settings: DogstatsdSettings, tags: &[String]) -> Self {
        let bytes_max = match settings.address {
            DogstatsdAddress::Udp { .. } => UDP_BYTES_MAX,
            DogstatsdAddress::Unix(_) => UNIX_BYTES_MAX,
        };
        Self {
            socket: Socket::new(settings.address),
            lines: Lines::new(bytes_max, tags),
        }
    }
}

impl Exporter for Dogstatsd {
    fn name(&self) -> &'static str {
        "dogstatsd"
    }

    fn wants(&self) -> Wants {
        Wants {
            spans: false,
            metrics_every: Some(FLUSH_EVERY),
        }
    }

    fn export(&mut self, _: &[Signal]) -> Result<(), ExportError> {
        Ok(())
    }

    fn export_metrics(&mut self, metrics: &Collector) -> Result<(), ExportError> {
        let mut losses = Losses::default();
        let deadline = Instant::now() + FLUSH_MAX;
        let Self { socket, lines } = self;
        let mut send = |datagram: &[u8], values: usize| {
            if let Err(failure) = socket.send(datagram, values, deadline) {
                losses.add(failure);
            }
        };
        metrics.collect(|point| lines.add(point, &mut send));
        lines.flush(&mut send);
        let unsendable = std::mem::take(&mut lines.unsendable);
        losses.result(unsendable, &self.socket)
    }
}

/// Why values were lost.
#[derive(Debug)]
struct Failure {
    reason: &'static str,
    /// How many values.
    lost: usize,
    message: String,
}

#[derive(Default)]
struct Losses {
    lost: usize,
    last: Option<Failure>,
}

impl Losses {
    fn add(&mut self, failure: Failure) {
        self.lost += failure.lost;
        self.last = Some(failure);
    }

    fn result(mut self, unsendable: usize, to: &Socket) -> Result<(), ExportError> {
        if unsendable > 0 {
            self.add(Failure {
                reason: "unsendable",
                lost: unsendable,
                message: "a value is no number, or its tags are longer than a datagram".to_owned(),
            });
        }
        match self.last {
            None => Ok(()),
            Some(last) => Err(ExportError {
                reason: last.reason,
                lost: self.lost,
                message: format!("DogStatsD at {to}: {}", last.message),
            }),
        }
    }
}
