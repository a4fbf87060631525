//! Where metrics go by DogStatsD.

use std::path::PathBuf;

use super::input::Input;

/// Where metrics go by DogStatsD.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DogstatsdSettings {
    /// The receiver.
    pub address: DogstatsdAddress,
}

/// A receiver of DogStatsD.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DogstatsdAddress {
    /// A host, which is looked up now and then, and a port.
    Udp {
        /// Name or address.
        host: String,
        /// Port.
        port: u16,
    },
    /// A Unix datagram socket.
    Unix(PathBuf),
}

/// The port on which Agents listen.
const PORT: u16 = 8125;
const URL_HINT: &str =
    "it must be udp://HOST:PORT or unix:///PATH, such as unix:///var/run/datadog/dsd.socket";

pub(super) fn dogstatsd(input: &mut Input<'_>) -> Option<DogstatsdSettings> {
    let port = input.get("DD_DOGSTATSD_PORT");
    let asked = port.is_some();
    let port = input.parsed(port, |text| match text.parse() {
        Ok(port @ 1..) => Ok(port),
        _ => Err(format!("`{text}` is no port; ports are 1 to 65535")),
    });
    let port = port.unwrap_or(PORT);
    let url = input.get("DD_DOGSTATSD_URL");
    let host = input.get("DD_AGENT_HOST");
    let address = match (url, host) {
        (Some(url), _) => input.parsed(Some(url), |text| address(text, port)),
        (None, Some(host)) => input.parsed(Some(host), |host| agent(host, port)),
        // A port is a wish to send, and the Agent's usual place is this machine.
        (None, None) => asked.then(|| DogstatsdAddress::Udp {
            host: "127.0.0.1".to_owned(),
            port,
        }),
    };
    address.map(|address| DogstatsdSettings { address })
}

fn agent(host: &str, port: u16) -> Result<DogstatsdAddress, String> {
    let plain = !host.is_empty() && !host.contains(['/', '@', ' ']);
    let host = host
        .trim_start_matches('[')
        .trim_end_matches(']')
        .to_owned();
    plain
        .then_some(DogstatsdAddress::Udp { host, port })
        .ok_or_else(|| {
            "it must be the name or address of a host, without scheme and port".to_owned()
        })
}

fn address(url: &str, default_port: u16) -> Result<DogstatsdAddress, String> {
    if let Some(path) = ["unix://", "unixgram://"]
        .iter()
        .find_map(|it| url.strip_prefix(it))
    {
        return match path.starts_with('/') {
            true => Ok(DogstatsdAddress::Unix(PathBuf::from(path))),
            false => Err(URL_HINT.to_owned()),
        };
    }
    let authority = url.strip_prefix("udp://").ok_or(URL_HINT)?;
    let authority: http::uri::Authority = authority.parse().map_err(|_| URL_HINT)?;
    let port = match authority.port_u16() {
        Some(0) => return Err(URL_HINT.to_owned()),
        Some(port) => port,
        None if authority.port().is_some() => return Err(URL_HINT.to_owned()),
        None => default_port,
    };
    agent(authority.host(), port)
}
