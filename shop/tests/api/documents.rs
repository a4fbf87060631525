//! What services say of themselves: health, metrics, OpenAPI.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use shop::Service;

use crate::support::{TestShop, send};

const ROUTES: [&str; 25] = [
    "get /api/products",
    "post /api/products",
    "get /api/products/search",
    "get /api/products/{id}",
    "put /api/products/{id}/stock",
    "post /api/orders",
    "get /api/orders",
    "get /api/orders/{id}",
    "put /api/orders/{id}",
    "delete /api/orders/{id}",
    "put /api/orders/{id}/status",
    "post /api/cart/add",
    "put /api/cart/update",
    "get /api/cart/{sessionId}",
    "delete /api/cart/{sessionId}",
    "delete /api/cart/{sessionId}/item/{productId}",
    "post /api/auth/register",
    "post /api/auth/login",
    "get /api/auth/profile",
    "get /api/admin/orders",
    "get /api/admin/stock",
    "get /api/admin/charges",
    "get /api/admin/pipeline",
    "get /health",
    "get /ready",
];

async fn document(shop: &TestShop, service: Service) -> Value {
    let url = format!("{}/openapi.json", shop.shop.url(service).unwrap());
    send(shop.client.get(url)).await.expect(200)
}

#[tokio::test]
async fn every_service_is_healthy_and_measured() {
    let shop = TestShop::start().await;
    for service in Service::all() {
        let base = shop.shop.url(service).unwrap();
        let health = send(shop.client.get(format!("{base}/health")))
            .await
            .expect(200);
        assert_eq!(health["ok"], true);
        assert_eq!(health["service"], service.name());
        let metrics = send(shop.client.get(format!("{base}/metrics"))).await;
        assert!(
            metrics.headers["content-type"]
                .to_str()
                .unwrap()
                .starts_with("text/plain")
        );
        assert!(metrics.text.contains("process_cpu_seconds_total"));
    }
    shop.stop().await;
}

#[tokio::test]
async fn the_gateway_documents_every_route_once() {
    let shop = TestShop::start().await;
    let document = document(&shop, Service::Gateway).await;
    let mut routes = BTreeSet::new();
    let mut ids = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            routes.insert(format!("{method} {path}"));
            let id = operation["operationId"].as_str().unwrap();
            assert!(ids.insert(id.to_owned()), "{id} stands twice");
            assert!(operation["responses"]["503"].is_object(), "{method} {path}");
        }
    }
    for route in ROUTES {
        assert!(routes.contains(route), "{route} is missing from {routes:?}");
    }
    shop.stop().await;
}

#[tokio::test]
async fn a_schema_name_means_the_same_in_every_service() {
    let shop = TestShop::start().await;
    let mut known: BTreeMap<String, Value> = BTreeMap::new();
    for service in Service::all().filter(|service| *service != Service::Gateway) {
        let document = document(&shop, service).await;
        for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
            let before = known.entry(name.clone()).or_insert_with(|| schema.clone());
            assert_eq!(
                before, schema,
                "{name} of {service} differs from another service's"
            );
        }
    }
    shop.stop().await;
}
