//! Requests as bytes on a socket, for what no well-behaved client sends.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use shop::Service;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

use crate::support::{TestShop, send};

/// How long an answer may take before the test fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where a service listens.
pub(crate) fn address(shop: &TestShop, service: Service) -> SocketAddr {
    let url = shop.shop.url(service).unwrap();
    url.strip_prefix("http://").unwrap().parse().unwrap()
}

/// A connection from 127.0.0.`last`.
pub(crate) async fn connect_from(last: u8, to: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    let from = SocketAddr::from((Ipv4Addr::new(127, 0, 0, last), 0));
    socket.bind(from).unwrap();
    socket.connect(to).await.unwrap()
}

/// A connection to the gateway.
pub(crate) async fn connect(shop: &TestShop) -> TcpStream {
    connect_from(1, address(shop, Service::Gateway)).await
}

/// Everything that comes until the connection ends; a reset ends it as well.
pub(crate) async fn read_all(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut bytes));
    // A reset is an end too.
    let _ = read.await.expect("the connection ends");
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The status of one answer on a connection that stays open.
pub(crate) async fn read_status(stream: &mut TcpStream) -> Option<u16> {
    let mut bytes = Vec::new();
    let read = async {
        while !bytes.windows(4).any(|end| end == b"\r\n\r\n") {
            if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
                return;
            }
        }
    };
    tokio::time::timeout(PATIENCE, read)
        .await
        .expect("an answer");
    statuses(&String::from_utf8_lossy(&bytes)).first().copied()
}

/// The statuses of all answers in a text.
pub(crate) fn statuses(text: &str) -> Vec<u16> {
    text.match_indices("HTTP/1.")
        .filter_map(|(at, _)| text.get(at + 9..at + 12)?.parse().ok())
        .collect()
}

/// Sends bytes to the gateway and reads until it hangs up. Whatever cannot be written any more is left out.
pub(crate) async fn exchange(shop: &TestShop, bytes: &[u8]) -> String {
    let mut stream = connect(shop).await;
    let _ = stream.write_all(bytes).await;
    read_all(&mut stream).await
}

/// Fails when any service has counted an answer of 500 or more.
pub(crate) async fn expect_no_5xx(shop: &TestShop) {
    for service in shop.shop.urls().keys() {
        let url = format!("{}/metrics", shop.shop.url(*service).unwrap());
        let metrics = send(shop.client.get(url)).await.text;
        let failed: Vec<&str> = metrics
            .lines()
            .filter(|line| line.starts_with("http_requests_total{") && line.contains("status=\"5"))
            .collect();
        assert!(failed.is_empty(), "{failed:?}");
    }
}
