//! The catalogue.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::json;
use shop::secret::Secret;

use crate::support::TestShop;

#[tokio::test]
async fn pages_cover_the_catalogue_without_gap_or_overlap() {
    let shop = TestShop::start().await;
    let mut seen = BTreeSet::new();
    let mut path = "/api/products?limit=7".to_owned();
    loop {
        let page = shop.get(&path).await.expect(200);
        let products = page["products"].as_array().unwrap();
        assert!((1..=7).contains(&products.len()));
        for product in products {
            assert!(seen.insert(product["id"].as_i64().unwrap()));
        }
        match page["nextCursor"].as_str() {
            Some(cursor) => path = format!("/api/products?limit=7&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(seen, (1..=60).collect());
    for no_cursor in ["x", "007", "-1", "%2B1", "00000000000"] {
        let path = format!("/api/products?cursor={no_cursor}");
        shop.get(&path).await.error(422);
    }
    shop.stop().await;
}

#[tokio::test]
async fn a_category_lists_its_own_products_only() {
    let shop = TestShop::start().await;
    let first = shop.get("/api/products/1").await.expect(200);
    let category = first["category"].as_str().unwrap();
    let page = shop
        .get(&format!("/api/products?limit=100&category={category}"))
        .await
        .expect(200);
    let products = page["products"].as_array().unwrap();
    assert!(!products.is_empty() && products.len() < 60);
    assert!(
        products
            .iter()
            .all(|product| product["category"] == category)
    );
    shop.stop().await;
}

#[tokio::test]
async fn a_product_is_made_found_and_restocked_at_its_exact_price() {
    let shop = TestShop::start().await;
    let new = json!({"name": "Test Product", "price": 99.99});
    let answer = shop.post("/api/products", new).await;
    let made = answer.expect(201);
    let path = answer.headers["location"].to_str().unwrap().to_owned();
    assert_eq!(made["price"].to_string(), "99.99");
    assert_eq!(shop.get(&path).await.expect(200), made);

    let restock = shop
        .call(Method::PUT, &format!("{path}/stock"), json!({"stock": 0}))
        .await;
    assert_eq!(restock.expect(200)["stock"], 0);
    let found = shop
        .get("/api/products/search?q=test%20prod")
        .await
        .expect(200);
    assert_eq!(found["products"][0]["id"], made["id"]);
    shop.stop().await;
}

#[tokio::test]
async fn search_takes_any_text_for_words() {
    let shop = TestShop::start().await;
    for text in [
        "%22",
        "*",
        "a%20OR%20b",
        "NEAR(",
        "%27%3B--",
        "%C3%A9",
        "name%3Ax",
    ] {
        let found = shop.get(&format!("/api/products/search?q={text}")).await;
        assert!(found.expect(200)["products"].is_array(), "{text}");
    }
    shop.stop().await;
}

#[tokio::test]
async fn unacceptable_products_are_refused_and_change_nothing() {
    let shop = TestShop::start().await;
    for (body, status) in [
        (json!({"name": "", "price": 1}), 422),
        (json!({"name": "x".repeat(201), "price": 1}), 422),
        (json!({"name": "nul\u{0}", "price": 1}), 422),
        (json!({"name": "x", "price": -0.01}), 422),
        (json!({"name": "x", "price": 0}), 422),
        (json!({"name": "x", "price": 0.001}), 422),
        (json!({"name": "x", "price": 1e300}), 422),
        (json!({"name": "x", "price": "1"}), 422),
        (json!({"name": "x"}), 422),
        (json!({"name": "x", "price": 1, "stock": -1}), 422),
        (
            json!({"name": "x", "price": 1, "stock": 1_000_000_001_u64}),
            422,
        ),
        (json!({"name": "x", "price": 1, "currency": "XYZ"}), 422),
        (json!([]), 422),
    ] {
        let answer = shop.post("/api/products", body.clone()).await;
        assert_eq!(answer.error(status), "invalid_value", "{body}");
    }
    for path in ["/api/products/0", "/api/products/61", "/api/products/-1"] {
        assert_eq!(shop.get(path).await.error(404), "not_found");
    }
    shop.stop().await;
}

#[tokio::test]
async fn with_an_admin_token_only_administrators_change_the_catalogue() {
    let shop = TestShop::start_with(|config| {
        config.admin_token = Some(Secret::new("let me in"));
    })
    .await;
    let new = || json!({"name": "x", "price": 1});
    let path = "/api/products";
    shop.post(path, new()).await.error(401);
    let customer = shop.register("ann@example.com").await;
    let answer = shop.call_as(&customer, Method::POST, path, new()).await;
    assert_eq!(answer.error(403), "forbidden");
    for token in ["let me in", &shop.admin().await] {
        let answer = shop.call_as(token, Method::POST, path, new()).await;
        answer.expect(201);
    }
    let stock = json!({"stock": 3});
    shop.call(Method::PUT, "/api/products/1/stock", stock)
        .await
        .error(401);
    shop.stop().await;
}
