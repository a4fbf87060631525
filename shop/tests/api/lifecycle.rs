//! Starting, stopping, and what is left afterwards.

use std::sync::Arc;

use serde_json::json;
use shop::{Service, Shop};

use crate::support::{TestShop, config};

#[tokio::test]
async fn everything_acknowledged_is_there_after_a_restart() {
    // The secret is the shop's own here, so that it must be kept as well.
    let own_secret = |config: &mut shop::Config| config.jwt_secret = None;
    let shop = TestShop::start_with(own_secret).await;
    let folder = Arc::clone(&shop.folder);
    let token = shop.register("ann@example.com").await;
    let add = json!({"sessionId": "s", "productId": 1, "quantity": 2});
    let cart = shop.post("/api/cart/add", add).await.expect(200);
    let body = json!({"items": [{"productId": 2, "quantity": 1}], "payment": "intent"});
    let order = shop.post("/api/orders", body).await.expect(201);
    let product = shop.product(7).await;
    shop.stop().await;

    let shop = TestShop::start_in(folder, own_secret).await;
    shop.get_as(&token, "/api/auth/profile").await.expect(200);
    assert_eq!(shop.get("/api/cart/s").await.expect(200), cart);
    let guest = order["accessToken"].as_str().unwrap();
    let path = format!("/api/orders/{}", order["id"].as_str().unwrap());
    assert_eq!(
        shop.get_as(guest, &path).await.expect(200)["total"],
        order["total"]
    );
    let kept = shop
        .get(&format!("/api/products/{product}"))
        .await
        .expect(200);
    assert_eq!(kept["stock"], 7);
    shop.stop().await;
}

#[cfg(unix)]
#[tokio::test]
async fn secrets_are_readable_by_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let shop = TestShop::start_with(|config| config.jwt_secret = None).await;
    for file in ["jwt.secret", "webhook.secret"] {
        let metadata = std::fs::metadata(shop.folder.path().join(file)).unwrap();
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600, "{file}");
    }
    shop.stop().await;
}

#[tokio::test]
async fn a_port_in_use_is_named_with_a_remedy() {
    let holder = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = holder.local_addr().unwrap().port();
    let folder = tempfile::tempdir().unwrap();
    let mut config = config(&folder);
    config.ports.insert(Service::Cart, port);
    let error = format!("{:#}", Shop::start(config).await.err().unwrap());
    assert!(
        error.contains(&port.to_string()) && error.contains("cart") && error.contains("--port"),
        "{error}"
    );
}

#[tokio::test]
async fn services_run_apart_on_the_same_data() {
    let behind = TestShop::start_with(|config| {
        config.services = vec![Service::Orders, Service::Auth];
    })
    .await;
    let front = TestShop::start_in(Arc::clone(&behind.folder), |config| {
        config.services = vec![Service::Gateway, Service::Cart];
        for service in [Service::Orders, Service::Auth] {
            let url = behind.shop.url(service).unwrap().to_owned();
            config.peer_urls.insert(service, url);
        }
    })
    .await;
    let token = front.register("ann@example.com").await;
    front.get_as(&token, "/api/orders").await.expect(200);
    let add = json!({"sessionId": "s", "productId": 1, "quantity": 2});
    front.post("/api/cart/add", add).await.expect(200);
    front.stop().await;
    behind.stop().await;
}
