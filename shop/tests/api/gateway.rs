//! The public door: traces, request ids, limits, CORS, services that are down.

use std::num::NonZeroU32;

use reqwest::Method;
use serde_json::json;
use shop::Service;

use crate::support::{TestShop, send};

#[tokio::test]
async fn the_callers_trace_and_request_id_go_through() {
    let shop = TestShop::start().await;
    let trace_id = "0000000000000000463ac35c9f6413ad";
    let request = shop
        .request(Method::GET, "/api/products/0")
        .header("traceparent", format!("00-{trace_id}-48485a3953bb6124-01"))
        .header("x-request-id", "req-1");
    let answer = send(request).await;
    assert_eq!(answer.expect(404)["error"]["traceId"], trace_id);
    assert_eq!(answer.headers["x-request-id"], "req-1");

    let request = shop
        .request(Method::GET, "/api/products/0")
        .header("x-datadog-trace-id", 0x463a_c35c_9f64_13ad_u64.to_string())
        .header("x-datadog-parent-id", "1")
        .header("x-request-id", "two words");
    let answer = send(request).await;
    assert_eq!(answer.expect(404)["error"]["traceId"], trace_id);
    assert_ne!(answer.headers["x-request-id"], "two words");
    shop.stop().await;
}

#[tokio::test]
async fn too_many_requests_are_turned_away_with_a_time_to_come_back() {
    let limit = NonZeroU32::new(3).unwrap();
    let shop = TestShop::start_with(|config| config.gateway_rate_per_s = limit.get()).await;
    let mut refused = None;
    for _ in 0..20 {
        let answer = send(
            shop.request(Method::GET, "/api/products/1")
                .header("origin", "http://shop.example"),
        )
        .await;
        if answer.status != 200 {
            refused = Some(answer);
            break;
        }
    }
    let refused = refused.expect("20 requests at once pass a limit of 3 a second");
    assert_eq!(refused.error(429), "too_many_requests");
    assert_eq!(refused.headers["retry-after"], "1");
    assert_eq!(
        refused.headers["access-control-allow-origin"],
        "http://shop.example"
    );
    shop.stop().await;
}

#[tokio::test]
async fn browsers_get_their_preflight_answered() {
    let shop = TestShop::start().await;
    let names = "baggage,traceparent,x-datadog-origin";
    let answer = send(
        shop.request(Method::OPTIONS, "/api/orders")
            .header("origin", "http://shop.example")
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", names),
    )
    .await;
    answer.expect(204);
    assert_eq!(answer.headers["access-control-allow-headers"], names);
    assert_eq!(
        answer.headers["access-control-allow-origin"],
        "http://shop.example"
    );
    let methods = answer.headers["access-control-allow-methods"]
        .to_str()
        .unwrap();
    assert!(methods.contains("POST"));
    shop.stop().await;
}

#[tokio::test]
async fn a_service_that_is_down_reads_as_503_and_the_others_go_on() {
    let shop = TestShop::start_with(|config| {
        config.services = vec![Service::Gateway, Service::Orders];
        // Nothing listens on port 1.
        config
            .peer_urls
            .insert(Service::Auth, "http://127.0.0.1:1".to_owned());
    })
    .await;
    let login = json!({"email": "a@b.co", "password": "correct horse"});
    let answer = shop.post("/api/auth/login", login).await;
    assert_eq!(answer.error(503), "unavailable");
    assert!(answer.headers.contains_key("retry-after"));
    shop.get("/api/products/1").await.expect(200);
    shop.stop().await;
}

#[tokio::test]
async fn requests_are_counted_by_route_template() {
    let shop = TestShop::start().await;
    for id in [1, 2, 3] {
        shop.get(&format!("/api/products/{id}")).await.expect(200);
    }
    let url = format!("{}/metrics", shop.shop.url(Service::Orders).unwrap());
    let metrics = send(shop.client.get(url)).await;
    let counted = metrics.text.lines().find(|line| {
        line.starts_with("http_requests_total{") && line.contains("route=\"/api/products/{id}\"")
    });
    let counted = counted.expect("the route is counted");
    assert!(
        counted.contains("service=\"rum-shop-order-service\"") && counted.ends_with(" 3"),
        "{counted}"
    );
    assert!(metrics.text.contains("active_connections{"));
    shop.stop().await;
}

#[tokio::test]
async fn a_body_of_unknown_length_is_cut_off_at_the_limit() {
    let shop = TestShop::start().await;
    let piece = vec![b' '; 64 * 1024];
    let endless = futures_util::stream::repeat_with(move || Ok::<_, std::io::Error>(piece.clone()));
    let request = shop
        .request(Method::POST, "/api/orders")
        .header("content-type", "application/json")
        .body(reqwest::Body::wrap_stream(endless));
    // The answer may overtake the upload, and closing the connection may overtake the answer.
    if let Ok(response) = request.send().await {
        assert_eq!(response.status(), 413);
    }
    shop.get("/api/products/1").await.expect(200);
    shop.stop().await;
}
