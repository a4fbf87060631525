//! Receivers: where the system under test sends its telemetry. One file or folder for each protocol.
//!
//! Each runs on a thread of its own, is bounded in everything it holds, and hands what it understands to the recording's feed.
//! Must not know: what is kept of it, the load.

use std::path::PathBuf;
use std::str::FromStr;
use std::{fmt, net};

use crate::recording::recorder::Feed;

pub mod dogstatsd;
pub mod otlp;

/// What is listened to, and where.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReceiveSpec {
    /// OTLP over HTTP.
    pub otlp: Option<net::SocketAddr>,
    /// DogStatsD.
    pub dogstatsd: Option<DogStatsdAddress>,
}

/// Where DogStatsD is listened to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DogStatsdAddress {
    /// A UDP port.
    Udp(net::SocketAddr),
    /// A Unix datagram socket, which is made.
    Unix(PathBuf),
}

impl ReceiveSpec {
    /// Both, on free ports of this machine alone.
    pub fn free_ports() -> Self {
        let free = net::SocketAddr::from((net::Ipv4Addr::LOCALHOST, 0));
        Self {
            otlp: Some(free),
            dogstatsd: Some(DogStatsdAddress::Udp(free)),
        }
    }

    /// Whether other machines can send, too.
    pub fn is_open(&self) -> bool {
        let udp = match &self.dogstatsd {
            Some(DogStatsdAddress::Udp(address)) => Some(*address),
            _ => None,
        };
        let mut addresses = self.otlp.into_iter().chain(udp);
        addresses.any(|address| !address.ip().is_loopback())
    }
}

impl FromStr for ReceiveSpec {
    type Err = String;

    /// Reads `otlp=4318,dogstatsd=8125`; every problem at once.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut spec = Self::default();
        let problems: Vec<String> = text
            .split(',')
            .filter_map(|part| spec.read(part.trim()).err())
            .collect();
        match problems.is_empty() {
            true => Ok(spec),
            false => Err(problems.join("; ")),
        }
    }
}

impl ReceiveSpec {
    fn read(&mut self, part: &str) -> Result<(), String> {
        let (protocol, place) = part
            .split_once('=')
            .ok_or_else(|| format!("'{part}' has no place: write otlp=4318 or dogstatsd=8125"))?;
        match protocol {
            "otlp" if self.otlp.is_none() => self.otlp = Some(address(protocol, place)?),
            "dogstatsd" if self.dogstatsd.is_none() => {
                self.dogstatsd = Some(match place.strip_prefix("unix:") {
                    Some(path) if !path.is_empty() => DogStatsdAddress::Unix(path.into()),
                    _ => DogStatsdAddress::Udp(address(protocol, place)?),
                });
            }
            "otlp" | "dogstatsd" => return Err(format!("{protocol} stands there twice")),
            _ => {
                return Err(format!(
                    "'{protocol}' is not received; otlp (over HTTP) and dogstatsd are"
                ));
            }
        }
        Ok(())
    }
}

/// A port of this machine, or an address and a port.
fn address(protocol: &str, place: &str) -> Result<net::SocketAddr, String> {
    if let Ok(port) = place.parse::<u16>() {
        return Ok((net::Ipv4Addr::LOCALHOST, port).into());
    }
    place.parse().map_err(|_| {
        let socket = if protocol == "dogstatsd" {
            ", or unix:/path/of/a/socket"
        } else {
            ""
        };
        format!("'{place}' is no place for {protocol}: write a port, or an address and a port such as 127.0.0.1:4318{socket}")
    })
}

/// The running receivers; dropped, they stop and are joined.
#[derive(Default)]
pub struct Receivers {
    /// OTLP, if it was asked for.
    pub otlp: Option<otlp::OtlpServer>,
    /// DogStatsD, if it was asked for.
    pub dogstatsd: Option<dogstatsd::DogStatsdServer>,
}

impl Receivers {
    /// Listens, and hands on what comes.
    ///
    /// # Errors
    /// When nothing can listen somewhere; the message names every such place.
    pub fn start(spec: &ReceiveSpec, feed: &Feed) -> anyhow::Result<Self> {
        let otlp = spec.otlp.map(|address| {
            otlp::OtlpServer::start(address, feed.clone())
                .map_err(|error| refused("otlp", &address, &error))
        });
        let dogstatsd = spec.dogstatsd.as_ref().map(|place| {
            dogstatsd::DogStatsdServer::start(place, feed.clone())
                .map_err(|error| refused("dogstatsd", place, &error))
        });
        match (otlp.transpose(), dogstatsd.transpose()) {
            (Ok(otlp), Ok(dogstatsd)) => Ok(Self { otlp, dogstatsd }),
            (otlp, dogstatsd) => {
                let problems: Vec<String> = otlp.err().into_iter().chain(dogstatsd.err()).collect();
                anyhow::bail!("{}", problems.join("; "))
            }
        }
    }
}

fn refused(protocol: &str, place: &dyn fmt::Display, error: &std::io::Error) -> String {
    format!(
        "cannot receive {protocol} at {place}: {error}; choose another place with --receive {protocol}=…"
    )
}

impl fmt::Display for DogStatsdAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Udp(address) => write!(f, "udp://{address}"),
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{DogStatsdAddress, ReceiveSpec};

    #[test]
    fn a_port_is_one_of_this_machine() {
        let spec: ReceiveSpec = "otlp=4318, dogstatsd=8125".parse().expect("a spec");
        assert_eq!(spec.otlp.expect("a place").to_string(), "127.0.0.1:4318");
        assert!(!spec.is_open());
        let spec: ReceiveSpec = "otlp=0.0.0.0:4318".parse().expect("a spec");
        assert!(spec.is_open() && spec.dogstatsd.is_none());
        let spec: ReceiveSpec = "dogstatsd=unix:/run/d.socket".parse().expect("a spec");
        assert_eq!(
            spec.dogstatsd,
            Some(DogStatsdAddress::Unix("/run/d.socket".into()))
        );
    }

    #[test]
    fn every_problem_is_told_at_once() {
        let problem = "otlp=x,statsd=8125,dogstatsd".parse::<ReceiveSpec>();
        let problem = problem.expect_err("three problems");
        for part in [
            "'x' is no place for otlp",
            "'statsd' is not received",
            "'dogstatsd' has no place",
        ] {
            assert!(problem.contains(part), "{problem}");
        }
    }
}
