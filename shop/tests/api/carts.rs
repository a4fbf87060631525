//! Session carts.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use shop::Service;

use crate::support::TestShop;

#[tokio::test]
async fn items_are_added_changed_taken_out_and_cleared() {
    let shop = TestShop::start().await;
    let product = shop.product(10).await;
    let add =
        |quantity: u32| json!({"sessionId": "s-1", "productId": product, "quantity": quantity});
    shop.post("/api/cart/add", add(1)).await.expect(200);
    let cart = shop.post("/api/cart/add", add(2)).await.expect(200);
    assert_eq!(cart["items"][0]["quantity"], 3);
    assert_eq!(cart["total"].to_string(), "299.97");
    assert_eq!(shop.get("/api/cart/s-1").await.expect(200), cart);

    let changed = shop.call(Method::PUT, "/api/cart/update", add(5)).await;
    assert_eq!(changed.expect(200)["itemCount"], 5);
    let item = format!("/api/cart/s-1/item/{product}");
    let emptied = shop.call(Method::DELETE, &item, json!(null)).await;
    assert_eq!(emptied.expect(200)["items"], json!([]));
    shop.call(Method::DELETE, &item, json!(null))
        .await
        .error(404);
    shop.call(Method::DELETE, "/api/cart/s-1", json!(null))
        .await
        .expect(204);
    shop.call(Method::PUT, "/api/cart/update", add(5))
        .await
        .error(404);
    shop.stop().await;
}

#[tokio::test]
async fn carts_are_bounded_and_take_real_products_only() {
    let shop = TestShop::start().await;
    let add = |session: &str, product: i64, quantity: i64| {
        let body = json!({"sessionId": session, "productId": product, "quantity": quantity});
        shop.post("/api/cart/add", body)
    };
    assert_eq!(add("s", 1_000, 1).await.error(404), "not_found");
    for (session, product, quantity) in [
        ("s", 1, 0),
        ("s", 1, -1),
        ("s", 1, 1_000),
        ("s", 0, 1),
        ("a b", 1, 1),
        ("", 1, 1),
    ] {
        assert_eq!(
            add(session, product, quantity).await.error(422),
            "invalid_value"
        );
    }
    add("s", 1, 999).await.expect(200);
    assert_eq!(add("s", 1, 1).await.error(409), "quantity_limit");
    shop.stop().await;
}

#[tokio::test]
async fn a_lapsed_cart_is_gone() {
    let shop = TestShop::start_with(|config| config.cart_ttl = Duration::ZERO).await;
    let add = json!({"sessionId": "s", "productId": 1, "quantity": 1});
    shop.post("/api/cart/add", add).await.expect(200);
    assert_eq!(
        shop.get("/api/cart/s").await.expect(200)["items"],
        json!([])
    );
    shop.stop().await;
}

#[tokio::test]
async fn without_the_orders_service_the_cart_says_so() {
    let shop = TestShop::start_with(|config| {
        config.services = vec![Service::Cart];
        // Nothing listens on port 1.
        config
            .peer_urls
            .insert(Service::Orders, "http://127.0.0.1:1".to_owned());
    })
    .await;
    let add = json!({"sessionId": "s", "productId": 1, "quantity": 1});
    let answer = shop.post("/api/cart/add", add).await;
    assert_eq!(answer.error(503), "unavailable");
    assert!(answer.headers.contains_key("retry-after"));
    assert_eq!(shop.get("/api/cart/s").await.expect(200)["itemCount"], 0);
    shop.stop().await;
}

#[tokio::test]
async fn ordering_empties_the_cart_it_came_from() {
    let shop = TestShop::start().await;
    let add = json!({"sessionId": "s", "productId": 1, "quantity": 1});
    shop.post("/api/cart/add", add).await.expect(200);
    let order = json!({"items": [{"productId": 1, "quantity": 1}], "cartSessionId": "s"});
    shop.post("/api/orders", order).await.expect(201);
    assert_eq!(
        shop.get("/api/cart/s").await.expect(200)["items"],
        json!([])
    );
    shop.stop().await;
}
