//! From where a request comes, as far as fairness goes.
//!
//! The gateway names the client's address in `X-Forwarded-For`, in place of whatever the client claims there. Whoever asks
//! this service directly is its own client.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::request::Parts;

use crate::listener::ClientAddress;

const FORWARDED_FOR: &str = "x-forwarded-for";
/// The part of an IPv6 address that its owner cannot choose: one customer has at least a /64.
const IPV6_NETWORK: u128 = !(u64::MAX as u128);

/// What one client may change at will counts as one: an IPv4 address, or the network part of an IPv6 address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClientNetwork(IpAddr);

impl ClientNetwork {
    /// The shop itself.
    pub(super) const OWN: ClientNetwork = ClientNetwork(IpAddr::V4(Ipv4Addr::UNSPECIFIED));

    /// The network of an address.
    pub fn of(address: IpAddr) -> Self {
        ClientNetwork(match address.to_canonical() {
            IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & IPV6_NETWORK).into(),
            address @ IpAddr::V4(_) => address,
        })
    }
}

impl<S: Sync> FromRequestParts<S> for ClientNetwork {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let peer = parts.extensions.get::<ClientAddress>();
        let address = forwarded(&parts.headers).or(peer.map(|ClientAddress(peer)| peer.ip()));
        Ok(address.map_or(ClientNetwork::OWN, ClientNetwork::of))
    }
}

/// The address that the nearest proxy saw, which is the last one.
fn forwarded(headers: &HeaderMap) -> Option<IpAddr> {
    let hops = headers.get_all(FORWARDED_FOR).iter().next_back()?;
    let nearest = hops.to_str().ok()?.rsplit(',').next()?;
    nearest.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_one_client_can_choose_among_count_as_one() {
        let of = |text: &str| ClientNetwork::of(text.parse().unwrap());
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:1"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
    }

    #[test]
    fn what_the_nearest_proxy_saw_counts() {
        let mut headers = HeaderMap::new();
        assert_eq!(forwarded(&headers), None);
        headers.append(FORWARDED_FOR, "192.0.2.1".parse().unwrap());
        headers.append(FORWARDED_FOR, "192.0.2.2, 192.0.2.3".parse().unwrap());
        assert_eq!(forwarded(&headers), "192.0.2.3".parse().ok());
        headers.append(FORWARDED_FOR, "unknown".parse().unwrap());
        assert_eq!(forwarded(&headers), None);
    }
}
