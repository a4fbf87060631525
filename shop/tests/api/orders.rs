//! Orders: making, owning, moving.
//!
//! Orders that wait for a payment intent stay pending, so the pipeline does not race these tests.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, TestShop, send};

fn waiting(product: i64, quantity: u32) -> Value {
    json!({"items": [{"productId": product, "quantity": quantity}], "payment": "intent", "email": "a@b.co"})
}

async fn order_under_key(shop: &TestShop, key: &str, body: &Value) -> Answer {
    let request = shop
        .request(Method::POST, "/api/orders")
        .header("idempotency-key", key)
        .json(body);
    send(request).await
}

async fn move_to(shop: &TestShop, token: &str, id: &str, status: &str) -> Answer {
    let path = format!("/api/orders/{id}/status");
    shop.call_as(token, Method::PUT, &path, json!({"status": status}))
        .await
}

fn text<'a>(body: &'a Value, field: &str) -> &'a str {
    body[field].as_str().unwrap()
}

#[tokio::test]
async fn the_shop_sets_the_price_and_adds_up_equal_products() {
    let shop = TestShop::start().await;
    let product = shop.product(10).await;
    let item = json!({"productId": product, "quantity": 2});
    let body = json!({"items": [item, item], "payment": "intent", "total": 0.01});
    let answer = shop.post("/api/orders", body).await;
    let order = answer.expect(201);
    assert_eq!(order["status"], "pending");
    assert_eq!(order["items"].as_array().unwrap().len(), 1);
    assert_eq!(order["items"][0]["quantity"], 4);
    assert_eq!(order["total"].to_string(), "399.96");
    assert_eq!(
        answer.headers["location"].to_str().unwrap(),
        format!("/api/orders/{}", text(&order, "id"))
    );
    shop.stop().await;
}

#[tokio::test]
async fn the_plain_order_is_taken_as_it_is() {
    let shop = TestShop::start().await;
    let plain = json!({"customerId": "123", "items": ["item1", "item2"], "total": 99.99});
    let order = shop.post("/api/orders", plain).await.expect(201);
    assert_eq!(order["customerId"], "123");
    assert_eq!(order["items"][1]["name"], "item2");
    assert_eq!(order["total"].to_string(), "99.99");
    shop.stop().await;
}

#[tokio::test]
async fn unacceptable_orders_are_refused() {
    let shop = TestShop::start().await;
    let scarce = shop.product(1).await;
    for (body, status, code) in [
        (json!({"items": []}), 422, "invalid_value"),
        (json!({}), 422, "invalid_value"),
        (
            json!({"items": [{"productId": 1, "quantity": 0}]}),
            422,
            "invalid_value",
        ),
        (
            json!({"items": [{"productId": 1, "quantity": 1000}]}),
            422,
            "invalid_value",
        ),
        (
            json!({"items": vec![json!({"productId": 1, "quantity": 999}); 40]}),
            422,
            "invalid_value",
        ),
        (
            json!({"items": [{"productId": 1, "quantity": 1}, {"productId": 2, "quantity": 1}, {"productId": 1, "quantity": 999}]}),
            422,
            "invalid_value",
        ),
        (json!({"items": [{"productId": 1}]}), 422, "invalid_value"),
        (
            json!({"items": vec![json!({"productId": 1, "quantity": 1}); 101]}),
            422,
            "invalid_value",
        ),
        (
            json!({"items": [{"productId": 1, "quantity": 1}], "email": "x"}),
            422,
            "invalid_value",
        ),
        (json!({"items": ["a"], "total": 1}), 422, "invalid_value"),
        (
            json!({"items": ["a"], "total": -1, "customerId": "1"}),
            422,
            "invalid_value",
        ),
        (
            json!({"items": ["a", {"productId": 1}], "total": 1, "customerId": "1"}),
            422,
            "invalid_value",
        ),
        (waiting(9_999, 1), 404, "unknown_product"),
        (waiting(scarce, 2), 409, "out_of_stock"),
        (
            json!({"items": [{"productId": 1, "quantity": 1}], "currency": "EUR"}),
            409,
            "currency_mismatch",
        ),
    ] {
        let answer = shop.post("/api/orders", body.clone()).await;
        assert_eq!(answer.error(status), code, "{body}");
    }
    let bad_key = order_under_key(&shop, "two words", &waiting(1, 1)).await;
    assert_eq!(bad_key.error(400), "malformed_request");
    shop.stop().await;
}

#[tokio::test]
async fn the_same_key_makes_one_order_however_many_race() {
    let shop = Arc::new(TestShop::start().await);
    let twin = Arc::new(TestShop::start_in(Arc::clone(&shop.folder), |_| {}).await);
    let body = waiting(1, 1);
    let tries = (0..50).map(|number| {
        let shop = if number % 2 == 0 { &shop } else { &twin };
        order_under_key(shop, "key-1", &body)
    });
    let mut made = BTreeSet::new();
    let mut first_answers = 0;
    for answer in join_all(tries).await {
        let order = answer.expect(201);
        made.insert(text(&order, "id").to_owned());
        first_answers += usize::from(!answer.headers.contains_key("idempotent-replayed"));
    }
    assert_eq!((made.len(), first_answers), (1, 1));

    let other = order_under_key(&shop, "key-1", &waiting(2, 1)).await;
    assert_eq!(other.error(409), "idempotency_key_reused");
    let (shop, twin) = (
        Arc::into_inner(shop).unwrap(),
        Arc::into_inner(twin).unwrap(),
    );
    twin.stop().await;
    shop.stop().await;
}

#[tokio::test]
async fn a_replay_answers_as_the_first_time_even_after_the_order_moved() {
    let shop = TestShop::start().await;
    let token = shop.register("ann@example.com").await;
    let ask = || {
        let request = shop
            .request(Method::POST, "/api/orders")
            .bearer_auth(&token)
            .header("idempotency-key", "k")
            .json(&waiting(1, 1));
        send(request)
    };
    let first = ask().await.expect(201);
    move_to(&shop, &token, text(&first, "id"), "cancelled")
        .await
        .expect(200);
    assert_eq!(ask().await.expect(201), first);
    shop.stop().await;
}

#[tokio::test]
async fn a_guests_key_and_body_open_the_order_to_nobody_else() {
    let shop = TestShop::start().await;
    let first = order_under_key(&shop, "key-1", &waiting(1, 1))
        .await
        .expect(201);
    assert!(first["accessToken"].is_string());
    let stranger = order_under_key(&shop, "key-1", &waiting(1, 1)).await;
    assert_eq!(stranger.headers["idempotent-replayed"], "true");
    let told = stranger.expect(201);
    assert_eq!((&told["id"], told.get("accessToken")), (&first["id"], None));
    shop.stop().await;
}

#[tokio::test]
async fn a_guest_who_sends_a_secret_along_gets_the_way_to_the_order_again() {
    let shop = TestShop::start().await;
    let ask = |secret: &str| {
        let request = shop
            .request(Method::POST, "/api/orders")
            .header("idempotency-key", "key-1")
            .header("idempotency-secret", secret)
            .json(&waiting(1, 1));
        send(request)
    };
    let first = ask("a secret-of-mine").await;
    assert_eq!(first.error(400), "malformed_request", "it has a blank");
    assert_eq!(ask("too-short").await.error(400), "malformed_request");
    let first = ask("the-secret-of-ann").await.expect(201);
    let again = ask("the-secret-of-ann").await;
    assert_eq!(again.headers["idempotent-replayed"], "true");
    let again = again.expect(201);
    assert_eq!(again["id"], first["id"]);
    let path = format!("/api/orders/{}", text(&first, "id"));
    let token = text(&again, "accessToken");
    shop.get_as(token, &path).await.expect(200);
    // Another guest's key is another key, and so is the one of a guest without a secret.
    let bob = ask("the-secret-of-bob").await.expect(201);
    let carol = order_under_key(&shop, "key-1", &waiting(1, 1))
        .await
        .expect(201);
    assert!(first["id"] != bob["id"] && first["id"] != carol["id"] && bob["id"] != carol["id"]);
    shop.get_as(text(&bob, "accessToken"), &path)
        .await
        .error(404);
    shop.stop().await;
}

#[tokio::test]
async fn an_order_is_its_owners_alone() {
    let shop = TestShop::start().await;
    let (ann, bob) = (
        shop.register("ann@example.com").await,
        shop.register("bob@example.com").await,
    );
    let order = shop
        .call_as(&ann, Method::POST, "/api/orders", waiting(1, 1))
        .await
        .expect(201);
    assert!(order.get("accessToken").is_none());
    let path = format!("/api/orders/{}", text(&order, "id"));
    assert_eq!(shop.get_as(&ann, &path).await.expect(200), order);
    shop.get(&path).await.error(401);
    shop.get_as(&bob, &path).await.error(404);
    shop.call_as(&bob, Method::DELETE, &path, json!(null))
        .await
        .error(404);
    shop.call_as(&bob, Method::PUT, &path, json!({"email": "x@y.zz"}))
        .await
        .error(404);
    move_to(&shop, &bob, text(&order, "id"), "cancelled")
        .await
        .error(404);
    let listed = shop.get_as(&bob, "/api/orders").await.expect(200);
    assert_eq!(listed["orders"], json!([]));
    assert_eq!(
        shop.get_as(&shop.admin().await, &path).await.expect(200),
        order
    );
    shop.stop().await;
}

#[tokio::test]
async fn a_guest_gets_a_token_for_that_order_only() {
    let shop = TestShop::start().await;
    let mine = shop.post("/api/orders", waiting(1, 1)).await.expect(201);
    let other = shop.post("/api/orders", waiting(1, 1)).await.expect(201);
    let token = text(&mine, "accessToken");
    let path = |order: &Value| format!("/api/orders/{}", text(order, "id"));
    shop.get_as(token, &path(&mine)).await.expect(200);
    shop.get_as(token, &path(&other)).await.error(404);
    let listed = shop.get_as(token, "/api/orders").await.expect(200);
    assert_eq!(listed["orders"][0]["id"], mine["id"]);
    assert_eq!(listed["orders"].as_array().unwrap().len(), 1);
    shop.stop().await;
}

#[tokio::test]
async fn own_orders_are_listed_newest_first_in_pages() {
    let shop = TestShop::start().await;
    let token = shop.register("ann@example.com").await;
    let mut made = Vec::new();
    for _ in 0..7 {
        let answer = shop
            .call_as(&token, Method::POST, "/api/orders", waiting(1, 1))
            .await;
        made.push(text(&answer.expect(201), "id").to_owned());
    }
    made.reverse();
    let mut listed = Vec::new();
    let mut path = "/api/orders?limit=3".to_owned();
    loop {
        let page = shop.get_as(&token, &path).await.expect(200);
        for order in page["orders"].as_array().unwrap() {
            listed.push(text(order, "id").to_owned());
        }
        match page["nextCursor"].as_str() {
            Some(cursor) => path = format!("/api/orders?limit=3&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(listed, made);
    for no_cursor in ["x", "007_00000000-0000-0000-0000-000000000000"] {
        let path = format!("/api/orders?cursor={no_cursor}");
        shop.get_as(&token, &path).await.error(422);
    }
    shop.get_as(&token, "/api/orders?limit=101")
        .await
        .error(422);
    shop.stop().await;
}

#[tokio::test]
async fn addresses_change_while_the_order_is_pending() {
    let shop = TestShop::start().await;
    let order = shop.post("/api/orders", waiting(1, 1)).await.expect(201);
    let token = text(&order, "accessToken");
    let path = format!("/api/orders/{}", text(&order, "id"));
    let put = |body: Value| shop.call_as(token, Method::PUT, &path, body);
    let changed = put(json!({"shippingAddress": "1 Main St"}))
        .await
        .expect(200);
    assert_eq!(changed["shippingAddress"], "1 Main St");
    assert_eq!(changed["email"], "a@b.co");
    put(json!({})).await.error(422);
    put(json!({"email": "x"})).await.error(422);
    shop.call_as(token, Method::DELETE, &path, json!(null))
        .await
        .expect(200);
    let late = put(json!({"email": "x@y.zz"})).await;
    assert_eq!(late.error(409), "order_not_pending");
    shop.stop().await;
}

#[tokio::test]
async fn shoppers_may_cancel_and_administrators_move_on_to_delivery() {
    let shop = TestShop::start().await;
    let admin = shop.admin().await;
    let product = shop.product(5).await;
    let order = shop
        .post("/api/orders", waiting(product, 2))
        .await
        .expect(201);
    let (id, token) = (text(&order, "id"), text(&order, "accessToken"));
    for status in ["paid", "shipped", "delivered"] {
        assert_eq!(
            move_to(&shop, token, id, status).await.error(403),
            "forbidden"
        );
    }
    move_to(&shop, &admin, id, "shipped").await.error(409);
    move_to(&shop, &admin, id, "paid").await.expect(200);
    // The pipeline reserves by itself once the order is paid; whoever is first, it happens once.
    let reserved = move_to(&shop, &admin, id, "reserved").await;
    assert!(
        matches!(reserved.status.as_u16(), 200 | 409),
        "{reserved:?}"
    );
    let stock = shop
        .get(&format!("/api/products/{product}"))
        .await
        .expect(200);
    assert_eq!(stock["stock"], 3);
    move_to(&shop, &admin, id, "shipped").await.expect(200);
    let late = move_to(&shop, token, id, "cancelled").await;
    assert_eq!(late.error(409), "illegal_transition");
    let delivered = move_to(&shop, &admin, id, "delivered").await.expect(200);
    let path = format!("/api/orders/{id}");
    assert_eq!(shop.get_as(token, &path).await.expect(200), delivered);
    shop.stop().await;
}

#[tokio::test]
async fn a_cancelled_order_stays_cancelled() {
    let shop = TestShop::start().await;
    let admin = shop.admin().await;
    let order = shop.post("/api/orders", waiting(1, 1)).await.expect(201);
    let path = format!("/api/orders/{}", text(&order, "id"));
    let token = text(&order, "accessToken");
    let cancelled = shop
        .call_as(token, Method::DELETE, &path, json!(null))
        .await
        .expect(200);
    assert_eq!(cancelled["reason"], "cancelled by the shopper");
    for status in [
        "pending",
        "paid",
        "reserved",
        "shipped",
        "delivered",
        "failed",
        "cancelled",
    ] {
        let answer = move_to(&shop, &admin, text(&order, "id"), status).await;
        assert_eq!(answer.error(409), "illegal_transition");
    }
    assert_eq!(shop.get_as(token, &path).await.expect(200), cancelled);
    shop.stop().await;
}
