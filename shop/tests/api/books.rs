//! The books: only for auditors, page by page, and adding up whatever happens to orders.

use reqwest::Method;
use serde_json::{Value, json};
use shop::secret::Secret;

use crate::support::TestShop;

const AUDIT_TOKEN: &str = "an auditor for the length of a test";

async fn audited() -> TestShop {
    TestShop::start_with(|config| config.audit_token = Some(Secret::new(AUDIT_TOKEN))).await
}

/// Follows `nextAfter` to the end.
async fn all(shop: &TestShop, path: &str, list: &str, limit: u32) -> Vec<Value> {
    let mut items = Vec::new();
    let mut after = String::new();
    loop {
        let path = format!("{path}?limit={limit}{after}");
        let page = shop.get_as(AUDIT_TOKEN, &path).await.expect(200);
        let found = page[list].as_array().unwrap();
        assert!(found.len() <= limit as usize);
        items.extend(found.iter().cloned());
        let Some(next) = page.get("nextAfter") else {
            return items;
        };
        let next = next.to_string();
        after = format!("&after={}", next.trim_matches('"'));
    }
}

async fn settled(shop: &TestShop) {
    loop {
        let state = shop.get_as(AUDIT_TOKEN, "/api/admin/pipeline").await;
        let state = state.expect(200);
        let waiting = |queue: &Value| {
            ["visible", "inFlight", "delayed", "deadLetters"]
                .iter()
                .any(|figure| queue[figure] != 0)
        };
        let queues = state["queues"].as_array().unwrap();
        assert_eq!(queues.len(), 4);
        if state["outbox"] == 0 && !queues.iter().any(waiting) {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn the_books_are_closed_to_shoppers_and_the_audit_token_opens_nothing_else() {
    let shop = audited().await;
    let shopper = shop.register("ann@example.com").await;
    for path in ["orders", "stock", "charges", "pipeline"] {
        let path = format!("/api/admin/{path}");
        assert_eq!(shop.get(&path).await.error(401), "unauthorized");
        assert_eq!(
            shop.get_as("guessed", &path).await.error(401),
            "unauthorized"
        );
        assert_eq!(shop.get_as(&shopper, &path).await.error(403), "forbidden");
        shop.get_as(AUDIT_TOKEN, &path).await.expect(200);
        shop.get_as(&shop.admin().await, &path).await.expect(200);
    }
    let order = json!({"items": [{"productId": 1, "quantity": 1}]});
    let stranger = shop
        .call_as(AUDIT_TOKEN, Method::POST, "/api/orders", order)
        .await;
    assert_eq!(stranger.error(401), "unauthorized");
    shop.stop().await;
}

#[tokio::test]
async fn every_order_and_every_piece_is_in_the_books_once() {
    let shop = audited().await;
    let before = all(&shop, "/api/admin/stock", "stock", 7).await;
    let mut made = Vec::new();
    for number in 0..23 {
        let order = json!({"items": [{"productId": 1 + number % 5, "quantity": 2}, {"productId": 9, "quantity": 1}]});
        let answer = shop.post("/api/orders", order).await.expect(201);
        made.push(answer["id"].as_str().unwrap().to_owned());
    }
    settled(&shop).await;
    let admin = shop.admin().await;
    let cancelled = format!("/api/orders/{}", made[3]);
    shop.call_as(&admin, Method::DELETE, &cancelled, Value::Null)
        .await
        .expect(200);
    settled(&shop).await;

    let orders = all(&shop, "/api/admin/orders", "orders", 4).await;
    let ids: Vec<&str> = orders.iter().map(|o| o["id"].as_str().unwrap()).collect();
    made.sort();
    assert_eq!(ids, made);
    for order in &orders {
        let called_off = order["status"] == "cancelled";
        assert_eq!(order["stockHeld"], !called_off, "{order}");
        assert_eq!(order["charged"], order["total"], "{order}");
        assert_eq!(order["refundId"].is_string(), called_off, "{order}");
    }
    let charges = all(&shop, "/api/admin/charges", "charges", 5).await;
    assert_eq!(charges.len(), orders.len());
    for charge in &charges {
        let order = orders.iter().find(|order| order["id"] == charge["orderId"]);
        let order = order.expect("the charge's order");
        assert_eq!(
            (&order["chargeId"], &order["total"]),
            (&charge["id"], &charge["amount"])
        );
        assert_eq!(charge["refunded"], order["refundId"].is_string());
    }
    let after = all(&shop, "/api/admin/stock", "stock", 1_000).await;
    assert_eq!(before.len(), after.len());
    let pieces =
        |shelf: &Value| shelf["onShelf"].as_i64().unwrap() + shelf["sold"].as_i64().unwrap();
    for (then, now) in before.iter().zip(&after) {
        assert_eq!(
            (&then["productId"], pieces(then)),
            (&now["productId"], pieces(now))
        );
    }
    let sold: i64 = after
        .iter()
        .map(|shelf| shelf["sold"].as_i64().unwrap())
        .sum();
    assert_eq!(sold, 22 * 3);
    shop.stop().await;
}

#[tokio::test]
async fn pages_have_bounds() {
    let shop = audited().await;
    for query in [
        "orders?limit=0",
        "orders?limit=501",
        "stock?limit=10001",
        "stock?after=-1",
        "charges?limit=501",
        "charges?after=../x",
        "charges?sinceMs=-1",
    ] {
        let answer = shop
            .get_as(AUDIT_TOKEN, &format!("/api/admin/{query}"))
            .await;
        assert_eq!(answer.error(422), "invalid_value", "{query}");
    }
    for query in ["orders?after=x", "stock?after=x", "charges?limit=x"] {
        let answer = shop
            .get_as(AUDIT_TOKEN, &format!("/api/admin/{query}"))
            .await;
        assert_eq!(answer.error(400), "malformed_request", "{query}");
    }
    shop.stop().await;
}
