//! What a client alone can do: mistakes, hang-ups and slowness are answered 4xx or not at all, and ring no alarm.

use std::time::{Duration, Instant};

use shop::Service;
use shop::listener::ConnectionLimits;
use tokio::io::AsyncWriteExt as _;

use crate::alarms::Alarms;
use crate::support::TestShop;
use crate::wire::{
    address, connect, connect_from, exchange, expect_no_5xx, read_all, read_status, statuses,
};

/// The beginning of an order; ends within the head.
const ORDER: &str = "POST /api/orders HTTP/1.1\r\nHost: shop\r\nConnection: close\r\nContent-Type: application/json\r\n";
const CART: &str = r#"{"sessionId":"wire","productId":1,"quantity":1}"#;

fn get(line: &str) -> Vec<u8> {
    format!("{line}\r\nHost: shop\r\nConnection: close\r\n\r\n").into_bytes()
}

fn order(rest: &str) -> Vec<u8> {
    format!("{ORDER}{rest}").into_bytes()
}

fn product(headers: &str) -> Vec<u8> {
    format!("GET /api/products/1 HTTP/1.1\r\nConnection: close\r\n{headers}\r\n").into_bytes()
}

/// Requests, and the statuses that are right for them; none means that hanging up is right as well.
fn mistakes() -> Vec<(&'static str, Vec<u8>, &'static [u16])> {
    let fields = |count: usize| {
        (0..count)
            .map(|n| format!("x-{n}: 1\r\n"))
            .collect::<String>()
    };
    let many = fields(95);
    let mut odd = b"GET /api/products/\xff\xfe?q=\xf0\x9f HTTP/1.1\r\n".to_vec();
    odd.extend(b"Host: shop\r\nConnection: close\r\n\r\n");
    vec![
        ("no host", product(""), &[400]),
        ("two hosts", product("Host: a\r\nHost: b\r\n"), &[400]),
        ("no name of a host", product("Host: a b/c\r\n"), &[400]),
        (
            "two authorizations",
            product("Host: a\r\nAuthorization: Bearer x\r\nAuthorization: Bearer y\r\n"),
            &[400],
        ),
        (
            "two types",
            order("Content-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}"),
            &[400],
        ),
        (
            "a compressed body",
            order("Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}"),
            &[415],
        ),
        (
            "a body that is not compressed, said aloud",
            order("Content-Encoding: identity\r\nContent-Length: 2\r\n\r\n{}"),
            &[422],
        ),
        ("no chunk", order("Transfer-Encoding: chunked\r\n\r\nzz\r\n"), &[400]),
        (
            "a chunk that ends wrongly",
            order("Transfer-Encoding: chunked\r\n\r\n2\r\n{}xx0\r\n\r\n"),
            &[400],
        ),
        (
            "an announced body that is too large",
            order("Content-Length: 99999999\r\n\r\n{"),
            &[413],
        ),
        (
            "an impossible length",
            order("Content-Length: 99999999999999999999999\r\n\r\n{"),
            &[400],
        ),
        (
            "two lengths",
            order("Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}"),
            &[400],
        ),
        ("too many fields", product(&format!("Host: a\r\n{}", fields(200))), &[431]),
        (
            "as many fields as may be",
            product(&format!("Host: a\r\n{many}")),
            &[200],
        ),
        (
            "a head that is too large",
            product(&format!("Host: a\r\nx: {}\r\n", "x".repeat(300_000))),
            &[431],
        ),
        (
            "a target that is too long for a service",
            get(&format!("GET /api/products?q={} HTTP/1.1", "x".repeat(60_000))),
            &[414],
        ),
        (
            "a target that is too long",
            get(&format!("GET /api/products?q={} HTTP/1.1", "x".repeat(65_500))),
            &[414, 431],
        ),
        ("odd bytes", odd, &[400]),
        ("a broken escape", get("GET /api/products/%zz HTTP/1.1"), &[400]),
        ("empty segments", get("GET //api//products HTTP/1.1"), &[404]),
        ("an absolute target", get("GET http://elsewhere/api/products/1 HTTP/1.1"), &[200]),
        ("an asterisk", get("GET * HTTP/1.1"), &[400, 404]),
        ("a tunnel", get("CONNECT elsewhere:443 HTTP/1.1"), &[400, 404, 405]),
        ("a tunnel to a path", get("CONNECT /api/products HTTP/1.1"), &[400, 405]),
        ("a trace", get("TRACE /api/products HTTP/1.1"), &[405]),
        ("a method of its own", get("BREW /api/products HTTP/1.1"), &[405]),
        ("HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), &[400]),
        ("no HTTP", b"hello\r\n\r\n".to_vec(), &[400]),
        ("HTTP/1.0", b"GET /api/products/1 HTTP/1.0\r\n\r\n".to_vec(), &[200]),
        (
            "HTTP/1.0 with a body",
            format!(
                "POST /api/cart/add HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{CART}",
                CART.len()
            )
            .into_bytes(),
            &[200],
        ),
        (
            "an upgrade",
            product("Host: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"),
            &[200],
        ),
        (
            "an upgrade to HTTP/2",
            product("Host: a\r\nConnection: upgrade, http2-settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n"),
            &[200],
        ),
        (
            "a body where none belongs",
            product("Host: a\r\nContent-Length: 5\r\n\r\nhello"),
            &[200],
        ),
        (
            "trailers",
            order("Trailer: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nx: y\r\n\r\n"),
            &[422],
        ),
        (
            "an expectation",
            order("Expect: 100-continue\r\nContent-Length: 2\r\n\r\n{}"),
            &[422],
        ),
    ]
}

#[tokio::test]
async fn no_mistake_of_a_client_is_the_shops() {
    let shop = TestShop::start().await;
    let (alarms, _watch) = Alarms::start();
    for (what, bytes, right) in mistakes() {
        let text = exchange(&shop, &bytes).await;
        // Hanging up on what is no HTTP, or on more than was read, may overtake the answer.
        let may_be_lost = right.iter().all(|status| [400, 431].contains(status));
        let answered = statuses(&text).last().map(|last| right.contains(last));
        assert!(answered.unwrap_or(may_be_lost), "{what}: {text}");
    }
    expect_no_5xx(&shop).await;
    shop.stop().await;
    alarms.expect_none();
}

#[tokio::test]
async fn a_body_that_is_cut_off_is_the_clients_mistake() {
    let shop = TestShop::start().await;
    let (alarms, _watch) = Alarms::start();
    for rest in [
        "Content-Length: 100\r\n\r\n{\"items\":",
        "Transfer-Encoding: chunked\r\n\r\n64\r\n{\"items\":",
    ] {
        // Half-closed: an answer can still be read.
        let mut stream = connect(&shop).await;
        stream.write_all(&order(rest)).await.unwrap();
        stream.shutdown().await.unwrap();
        let text = read_all(&mut stream).await;
        assert!(matches!(statuses(&text)[..], [] | [400]), "{text}");
        // Gone altogether.
        let mut stream = connect(&shop).await;
        stream.write_all(&order(rest)).await.unwrap();
        drop(stream);
    }
    // Gone while the answer is made.
    for _ in 0..20 {
        let mut stream = connect(&shop).await;
        stream
            .write_all(&get("GET /api/products?limit=100 HTTP/1.1"))
            .await
            .unwrap();
        drop(stream);
    }
    expect_no_5xx(&shop).await;
    shop.stop().await;
    alarms.expect_none();
}

#[tokio::test]
async fn an_answer_before_the_end_of_the_body_is_not_lost() {
    let shop = TestShop::start().await;
    let large = "x".repeat(200_000);
    let head = "POST /api/orders HTTP/1.1\r\nHost: shop\r\nConnection: close\r\nContent-Type: text/plain\r\n";
    let request = format!("{head}Content-Length: {}\r\n\r\n{large}", large.len());
    for _ in 0..20 {
        let text = exchange(&shop, request.as_bytes()).await;
        assert_eq!(statuses(&text), [415], "{text}");
    }
    expect_no_5xx(&shop).await;
    shop.stop().await;
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let shop = TestShop::start().await;
    let next = "GET /api/products/1 HTTP/1.1\r\nHost: shop\r\n\r\n";
    let missing = "GET /api/products/999999 HTTP/1.1\r\nHost: shop\r\n\r\n";
    let last = String::from_utf8(get("GET /api/products/2 HTTP/1.1")).unwrap();
    let text = exchange(&shop, format!("{next}{missing}{last}").as_bytes()).await;
    assert_eq!(statuses(&text), [200, 404, 200], "{text}");
    shop.stop().await;
}

/// Limits that a test can wait for.
const SHORT: ConnectionLimits = ConnectionLimits {
    head_timeout: Duration::from_millis(200),
    idle_timeout: Duration::from_millis(200),
    body_grace: Duration::from_millis(200),
    body_bytes_per_s_min: 1_000_000,
    ..ConnectionLimits::PUBLIC
};

#[tokio::test]
async fn a_body_that_comes_too_slowly_is_given_up() {
    let shop = TestShop::start_with(|config| {
        config.public_limits = Some(SHORT);
        // Shorter than the client is waited for: its time is not the shop's.
        config.request_timeout = Duration::from_millis(150);
    })
    .await;
    for rest in [
        "Content-Length: 100\r\n\r\n{",
        "Transfer-Encoding: chunked\r\n\r\n64\r\n{",
    ] {
        let text = exchange(&shop, &order(rest)).await;
        assert_eq!(statuses(&text), [408], "{text}");
        assert!(text.contains("request_timeout"), "{text}");
    }
    expect_no_5xx(&shop).await;
    shop.stop().await;
}

#[tokio::test]
async fn a_client_that_says_nothing_is_hung_up_on() {
    let shop = TestShop::start_with(|config| config.public_limits = Some(SHORT)).await;
    let whole = "GET /api/products/1 HTTP/1.1\r\nHost: shop\r\n\r\n";
    for said in ["", "GET /api/pro", whole] {
        let mut stream = connect(&shop).await;
        stream.write_all(said.as_bytes()).await.unwrap();
        let text = read_all(&mut stream).await;
        assert_eq!(!statuses(&text).is_empty(), said == whole, "{text}");
    }
    shop.stop().await;
}

/// With the limits that a shop has by itself, which are no test's: strangers have 10 s for a head, services 75 s.
#[tokio::test]
async fn a_head_has_less_time_at_the_public_door_than_between_services() {
    let shop = TestShop::start().await;
    let begin = Instant::now();
    let mut inside = connect_from(1, address(&shop, Service::Cart)).await;
    inside.write_all(b"GET /api/ca").await.unwrap();
    let mut stranger = connect(&shop).await;
    stranger.write_all(b"GET /api/pro").await.unwrap();
    assert_eq!(read_all(&mut stranger).await, "");
    assert!(begin.elapsed() > Duration::from_secs(9), "hung up at once");
    let rest = b"rt/nobody HTTP/1.1\r\nHost: shop\r\n\r\n";
    inside.write_all(rest).await.unwrap();
    assert!(read_status(&mut inside).await.is_some(), "hung up on, too");
    shop.stop().await;
}

#[tokio::test]
async fn one_address_with_all_connections_keeps_nobody_out() {
    const CONNECTIONS_MAX: usize = 64;
    let limits = ConnectionLimits::PUBLIC.with_connections(CONNECTIONS_MAX);
    let shop = TestShop::start_with(|config| config.public_limits = Some(limits)).await;
    let gateway = address(&shop, Service::Gateway);
    let request = b"GET /api/products/1 HTTP/1.1\r\nHost: shop\r\n\r\n";
    let mut regular = connect_from(2, gateway).await;
    regular.write_all(request).await.unwrap();
    assert_eq!(read_status(&mut regular).await, Some(200));
    let mut hoard = Vec::new();
    for number in 0..3 * CONNECTIONS_MAX {
        let mut stream = connect_from(1, gateway).await;
        // Some say nothing, some begin a request, some have had an answer.
        let said = [&b""[..], b"GET /", request][number % 3];
        let _ = stream.write_all(said).await;
        hoard.push(stream);
        if number % 16 == 0 {
            let mut newcomer = connect_from(3, gateway).await;
            newcomer.write_all(request).await.unwrap();
            assert_eq!(read_status(&mut newcomer).await, Some(200));
        }
    }
    // Whoever was there before still is.
    regular.write_all(request).await.unwrap();
    assert_eq!(read_status(&mut regular).await, Some(200));
    drop(hoard);
    shop.stop().await;
}

#[tokio::test]
async fn a_stop_does_not_wait_for_requests_that_nobody_made() {
    let shop = TestShop::start().await;
    let mut waiting = Vec::new();
    for said in [
        "",
        "GET /api/pro",
        "GET /api/products/1 HTTP/1.1\r\nHost: shop\r\n\r\n",
    ] {
        let mut stream = connect(&shop).await;
        stream.write_all(said.as_bytes()).await.unwrap();
        waiting.push(stream);
    }
    assert_eq!(read_status(&mut waiting[2]).await, Some(200));
    // Asserts that nothing had to be cut off at the deadline.
    shop.stop().await;
}
