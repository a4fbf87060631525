//! Mail on request: about an order of one's own, to its own address, true, and not often.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use shop::Service;

use crate::support::{Answer, TestShop, send};

const CONFIRMATION: &str = "/api/notifications/order-confirmation";
const UPDATE: &str = "/api/notifications/shipping-update";
const ADDRESS: &str = "ann@example.com";

/// An order with its id and access token.
struct Ordered {
    id: String,
    token: String,
}

async fn order(shop: &TestShop, payment: &str) -> Ordered {
    let body =
        json!({"items": [{"productId": 1, "quantity": 1}], "email": ADDRESS, "payment": payment});
    let order = shop.post("/api/orders", body).await.expect(201);
    let text = |field: &str| order[field].as_str().unwrap().to_owned();
    Ordered {
        id: text("id"),
        token: text("accessToken"),
    }
}

async fn reserved(shop: &TestShop) -> Ordered {
    let order = order(shop, "automatic").await;
    let path = format!("/api/orders/{}", order.id);
    while shop.get_as(&order.token, &path).await.expect(200)["status"] != "reserved" {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    order
}

async fn ask(shop: &TestShop, path: &str, token: &str, body: &Value) -> Answer {
    shop.call_as(token, Method::POST, path, body.clone()).await
}

async fn mails(shop: &TestShop, key: &str) -> u64 {
    let world = shop.shop.simulated_providers().cloned().unwrap();
    world.mails_of(key).await.unwrap()
}

#[tokio::test]
async fn strangers_mail_nobody_neither_at_the_gateway_nor_at_the_service() {
    let shop = TestShop::start().await;
    let order = reserved(&shop).await;
    let other = reserved(&shop).await;
    let body = json!({"orderId": order.id, "email": "victim@example.com", "status": "shipped"});
    let update = body.clone();
    let confirmation = json!({"orderId": order.id, "email": "victim@example.com"});
    for (path, body) in [(CONFIRMATION, &confirmation), (UPDATE, &update)] {
        let answer = shop.post(path, body.clone()).await;
        assert_eq!(answer.error(401), "unauthorized");
        let answer = ask(&shop, path, "guessed", body).await;
        assert_eq!(answer.error(401), "unauthorized");
        let answer = ask(&shop, path, &other.token, body).await;
        assert_eq!(answer.error(404), "not_found");
        let service = shop.shop.url(Service::Notifications).unwrap();
        let answer = send(shop.client.post(format!("{service}{path}")).json(body)).await;
        assert_eq!(answer.error(401), "unauthorized");
    }
    let key = format!("order-confirmation:{}:victim@example.com", order.id);
    assert_eq!(mails(&shop, &key).await, 0);
    shop.stop().await;
}

#[tokio::test]
async fn an_owner_is_told_what_is_true_at_the_orders_own_address() {
    let shop = TestShop::start().await;
    let pending = order(&shop, "intent").await;
    let answer = ask(
        &shop,
        CONFIRMATION,
        &pending.token,
        &json!({"orderId": pending.id}),
    )
    .await;
    assert_eq!(answer.error(409), "not_true_yet");

    let order = reserved(&shop).await;
    for (path, body, status, code) in [
        (
            CONFIRMATION,
            json!({"email": "victim@example.com"}),
            422,
            "invalid_value",
        ),
        (
            CONFIRMATION,
            json!({"text": "buy my pills"}),
            422,
            "invalid_value",
        ),
        (
            UPDATE,
            json!({"status": "shipped", "carrier": "pills"}),
            422,
            "invalid_value",
        ),
        (UPDATE, json!({"status": "shipped"}), 409, "not_true_yet"),
    ] {
        let mut body = body;
        body["orderId"] = json!(order.id);
        let answer = ask(&shop, path, &order.token, &body).await;
        assert_eq!(answer.error(status), code, "{body}");
    }
    let body = json!({"orderId": order.id, "email": "Ann@Example.com", "total": 0.01});
    for _ in 0..2 {
        let answer = ask(&shop, CONFIRMATION, &order.token, &body).await;
        assert_eq!(answer.expect(202)["status"], "accepted");
    }
    // The pipeline sends the same one; whoever is first, it is one mail.
    let key = format!("order-confirmation:{}:{ADDRESS}", order.id);
    assert_eq!(mails(&shop, &key).await, 1);
    shop.stop().await;
}

#[tokio::test]
async fn an_administrator_may_ask_and_news_of_a_parcel_follow_its_order() {
    let shop = TestShop::start().await;
    let admin = shop.admin().await;
    let order = reserved(&shop).await;
    let news = |status: &str| json!({"orderId": order.id, "status": status});
    for (status, now, later) in [
        ("shipped", "out_for_delivery", "delivered"),
        ("delivered", "delivered", "shipped"),
    ] {
        let path = format!("/api/orders/{}/status", order.id);
        let moved = shop
            .call_as(&admin, Method::PUT, &path, json!({"status": status}))
            .await;
        moved.expect(200);
        ask(&shop, UPDATE, &admin, &news(now)).await.expect(202);
        let answer = ask(&shop, UPDATE, &order.token, &news(later)).await;
        assert_eq!(answer.error(409), "not_true_yet");
    }
    shop.stop().await;
}

#[tokio::test]
async fn an_owner_is_not_told_the_same_again_and_again() {
    let shop = TestShop::start().await;
    let (order, other) = (reserved(&shop).await, reserved(&shop).await);
    let body = |order: &Ordered| json!({"orderId": order.id});
    let mut taken = 0;
    let refused = loop {
        let answer = ask(&shop, CONFIRMATION, &order.token, &body(&order)).await;
        if answer.status != 202 {
            break answer;
        }
        taken += 1;
        assert!(taken <= 6);
    };
    assert_eq!(
        (taken, refused.error(429).as_str()),
        (6, "too_many_requests")
    );
    assert!(refused.headers.contains_key("retry-after"));
    let answer = ask(&shop, CONFIRMATION, &other.token, &body(&other)).await;
    answer.expect(202);
    shop.stop().await;
}
