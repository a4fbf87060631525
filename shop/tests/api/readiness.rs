//! Whether services say truly that they can do their work.

use serde_json::Value;
use shop::Service;
use shop::secret::Secret;

use crate::support::{TestShop, send};

async fn ready(shop: &TestShop, service: Service, status: u16) -> Value {
    let url = format!("{}/ready", shop.shop.url(service).unwrap());
    let body = send(shop.client.get(url)).await.expect(status);
    assert_eq!(body["ready"], status == 200, "{body}");
    assert_eq!(body["service"], service.name());
    body
}

/// Whether one thing that a service needs is there.
fn reaches(body: &Value, name: &str) -> bool {
    let checks = body["checks"].as_array().unwrap();
    let check = checks.iter().find(|check| check["name"] == name);
    check.unwrap()["ok"].as_bool().unwrap()
}

#[tokio::test]
async fn every_service_of_a_whole_shop_is_ready() {
    let shop = TestShop::start().await;
    for service in Service::all() {
        ready(&shop, service, 200).await;
    }
    shop.stop().await;
}

#[tokio::test]
async fn a_shop_without_its_stores_is_alive_and_not_ready() {
    let shop = TestShop::start().await;
    // To the services this looks as if the stores were away.
    shop.shop.context().stores.close().await;
    for service in [Service::Orders, Service::Auth, Service::Payment] {
        assert!(!reaches(&ready(&shop, service, 503).await, "database"));
    }
    assert!(!reaches(
        &ready(&shop, Service::Cart, 503).await,
        "sessions"
    ));
    let gateway = ready(&shop, Service::Gateway, 503).await;
    assert!(!reaches(&gateway, "orders") && reaches(&gateway, "search"));
    for service in Service::all() {
        let url = format!("{}/health", shop.shop.url(service).unwrap());
        send(shop.client.get(url)).await.expect(200);
    }
    shop.stop().await;
}

#[tokio::test]
async fn the_gateway_does_without_what_shoppers_can_do_without() {
    let shop = TestShop::start_with(|config| {
        config
            .services
            .retain(|service| *service != Service::Search);
        // Nothing listens on port 1.
        let nowhere = "http://127.0.0.1:1".to_owned();
        config.peer_urls.insert(Service::Search, nowhere);
    })
    .await;
    assert!(!reaches(
        &ready(&shop, Service::Gateway, 200).await,
        "search"
    ));
    shop.stop().await;
}

#[tokio::test]
async fn asking_again_and_again_does_not_burden_what_is_asked_about() {
    let shop = TestShop::start().await;
    const ASKED: usize = 200;
    for _ in 0..ASKED {
        ready(&shop, Service::Gateway, 200).await;
    }
    let url = format!("{}/metrics", shop.shop.url(Service::Orders).unwrap());
    let metrics = send(shop.client.get(url)).await.text;
    let passed_on = metrics
        .lines()
        .find(|line| line.starts_with("http_requests_total{") && line.contains("route=\"/ready\""))
        .and_then(|line| line.rsplit(' ').next()?.parse::<usize>().ok());
    let passed_on = passed_on.expect("the orders service was asked");
    assert!(passed_on < ASKED / 4, "{passed_on}");
    shop.stop().await;
}

#[tokio::test]
async fn strangers_get_no_metrics_from_the_gateway() {
    let own = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let metrics_listen = own.local_addr().unwrap();
    drop(own);
    let shop = TestShop::start_with(|config| {
        config.bind = std::net::Ipv4Addr::UNSPECIFIED.into();
        config.metrics_listen = Some(metrics_listen);
        config.jwt_secret = None;
        config.admin_token = Some(Secret::new("7d0c5a51b8f3e29407c6d8ab1e3f4590"));
    })
    .await;
    let gateway = shop.shop.url(Service::Gateway).unwrap();
    let public = send(shop.client.get(format!("{gateway}/metrics"))).await;
    assert_eq!(public.error(404), "not_found");
    let internal = send(shop.client.get(format!("http://{metrics_listen}/metrics"))).await;
    assert!(internal.text.contains("service=\"rum-shop-gateway\""));
    shop.stop().await;
}
