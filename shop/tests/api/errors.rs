//! Whatever is sent, the answer is an error of the shop's shape, never a 500.

use reqwest::Method;
use shop::{Config, Service};
use uuid::Uuid;

use crate::support::{TestShop, send};

#[tokio::test]
async fn each_kind_of_bad_request_has_its_status() {
    let shop = TestShop::start().await;
    let json = |body: &str| {
        let body = body.to_owned();
        shop.request(Method::POST, "/api/orders")
            .header("content-type", "application/json")
            .body(body)
    };
    let bare = |method, path| shop.request(method, path);
    let large = "x".repeat(Config::BODY_BYTES_MAX + 1);
    for (request, status, code) in [
        (bare(Method::GET, "/nowhere"), 404, "not_found"),
        (bare(Method::GET, "/api/nowhere"), 404, "not_found"),
        (bare(Method::GET, "/api/orders/x/y/z"), 404, "not_found"),
        (
            bare(Method::PATCH, "/api/orders"),
            405,
            "method_not_allowed",
        ),
        (bare(Method::POST, "/health"), 405, "method_not_allowed"),
        (
            bare(Method::POST, "/api/orders").body("{}"),
            415,
            "unsupported_media_type",
        ),
        (json("{"), 400, "malformed_request"),
        (json("\u{0}"), 400, "malformed_request"),
        (json(""), 400, "malformed_request"),
        (json(&format!("\"{large}\"")), 413, "payload_too_large"),
        (
            bare(Method::GET, "/api/products/99999999999999999999"),
            400,
            "malformed_request",
        ),
        (
            bare(Method::GET, "/api/products/%ff"),
            400,
            "malformed_request",
        ),
        (
            bare(Method::GET, "/api/products?limit=x"),
            400,
            "malformed_request",
        ),
        (
            bare(Method::GET, "/api/products?limit=1&limit=2"),
            400,
            "malformed_request",
        ),
        (
            bare(Method::GET, "/api/products/search"),
            400,
            "malformed_request",
        ),
        (
            bare(Method::GET, "/api/orders/not-an-id").bearer_auth("x"),
            401,
            "unauthorized",
        ),
        (
            bare(Method::GET, "/api/orders").header("authorization", "Basic eDp5"),
            401,
            "unauthorized",
        ),
    ] {
        let answer = send(request).await;
        assert_eq!(answer.error(status), code);
        if status == 405 {
            assert!(answer.headers.contains_key("allow"));
        }
    }
    shop.stop().await;
}

const NASTY: [&str; 16] = [
    "",
    "%00",
    "%0a",
    "-1",
    "0",
    "1e999",
    "99999999999999999999999",
    "..%2f..%2f",
    "%ff%fe",
    "'%20OR%201=1--",
    "%F0%9F%92%A9",
    "null",
    "NaN",
    "{}",
    "%25s%25n",
    "a%2Fb",
];

const BODIES: [&[u8]; 14] = [
    b"",
    b"null",
    b"[]",
    b"{}",
    b"\"x\"",
    b"1e999",
    b"-1",
    b"{\"items\":null}",
    b"{\"items\":[[]]}",
    b"{\"items\":[null]}",
    b"\xff\xfe",
    b"{\"a\":1,\"a\":2}",
    b"{\"email\":\"\\ud800\"}",
    b"{\"productId\":1e308,\"quantity\":1e308,\"sessionId\":\"s\"}",
];

#[tokio::test]
async fn nothing_makes_any_route_of_any_service_answer_500() {
    let shop = TestShop::start().await;
    let admin = shop.admin().await;
    for service in Service::all() {
        let base = shop.shop.url(service).unwrap();
        let url = format!("{base}/openapi.json");
        let document = send(shop.client.get(&url)).await.expect(200);
        for (path, item) in document["paths"].as_object().unwrap() {
            for method in item.as_object().unwrap().keys() {
                let method: Method = method.to_uppercase().parse().unwrap();
                for nasty in NASTY {
                    let path = fill(path, nasty);
                    let url = format!(
                        "{base}{path}?limit={nasty}&q={nasty}&cursor={nasty}&productId={nasty}&offset={nasty}"
                    );
                    let request = shop.client.request(method.clone(), url).bearer_auth(&admin);
                    expect_no_500(request, &path).await;
                }
                for body in BODIES {
                    let path = fill(path, "1");
                    let request = shop
                        .client
                        .request(method.clone(), format!("{base}{path}"))
                        .header("content-type", "application/json")
                        .bearer_auth(&admin)
                        .body(body);
                    expect_no_500(request, &path).await;
                }
            }
        }
    }
    shop.stop().await;
}

#[tokio::test]
async fn a_key_that_stands_twice_is_refused_by_every_route_with_a_body() {
    let shop = TestShop::start().await;
    let admin = shop.admin().await;
    let document = shop.get("/openapi.json").await.expect(200);
    let mut asked = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            // Webhooks are refused for want of a signature before anybody reads them.
            if operation["requestBody"].is_null() || path.ends_with("/webhook") {
                continue;
            }
            let method: Method = method.to_uppercase().parse().unwrap();
            let path = fill(path, "1").replace("/orders/1", &format!("/orders/{}", Uuid::nil()));
            for body in [
                r#"{"amount":1,"\u0061mount":2,"items":["a"],"customerId":"1","total":1}"#,
                r#"{"x":[{"amount":1,"y":{},"amount":1}]}"#,
            ] {
                let request = shop.request(method.clone(), &path);
                let request = request.header("content-type", "application/json");
                let answer = send(request.bearer_auth(&admin).body(body)).await;
                assert_eq!(answer.error(400), "malformed_request", "{path} {body}");
                assert!(answer.text.contains("`amount`"), "{}", answer.text);
            }
            asked += 1;
        }
    }
    assert!(asked >= 13, "{asked}");
    shop.stop().await;
}

async fn expect_no_500(request: reqwest::RequestBuilder, path: &str) {
    let answer = send(request).await;
    let status = answer.status.as_u16();
    assert_ne!(status, 500, "{path}: {}", answer.text);
    if status >= 400 {
        answer.error(status);
    }
}

fn fill(template: &str, value: &str) -> String {
    template
        .split('/')
        .map(|segment| {
            if segment.starts_with('{') {
                value
            } else {
                segment
            }
        })
        .collect::<Vec<_>>()
        .join("/")
}
