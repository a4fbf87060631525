//! Wrong passwords: bounded, and nobody but their sender suffers from them.

use std::net::Ipv4Addr;
use std::time::Duration;

use futures_util::future::join_all;
use reqwest::Client;
use serde_json::json;
use shop::Service;
use shop::config::PasswordCost;

use crate::support::{Answer, TestShop, send};

/// Wrong passwords that one address may send for one account.
const FAILURES_MAX: usize = 10;
/// More than may wait for a hash at a time.
const FLOOD: usize = 400;

/// A client at another address of this machine.
fn elsewhere(host: u8) -> Client {
    let address = Ipv4Addr::new(127, 0, 0, host);
    Client::builder()
        .local_address(Some(address.into()))
        .build()
        .unwrap()
}

async fn log_in(shop: &TestShop, client: &Client, email: &str, password: &str) -> Answer {
    let url = format!(
        "{}/api/auth/login",
        shop.shop.url(Service::Gateway).unwrap()
    );
    let credentials = json!({"email": email, "password": password});
    send(client.post(url).json(&credentials)).await
}

#[tokio::test]
async fn a_flood_of_logins_from_one_address_leaves_the_others_their_turn() {
    let shop = TestShop::start_with(|config| {
        // What is told here is the line's doing, not that of a slow machine.
        config.request_timeout = Duration::from_secs(60);
        // Dear enough that the flood is there from beginning to end.
        config.password_cost = PasswordCost {
            memory_kib: 16_384,
            passes: 2,
            lanes: 1,
        };
    })
    .await;
    shop.register("ann@example.com").await;
    let stranger = elsewhere(2);
    let flood = (0..FLOOD).map(|number| {
        let (shop, stranger) = (&shop, &stranger);
        async move {
            let email = format!("{number}@example.com");
            log_in(shop, stranger, &email, "wrong password").await
        }
    });
    let others = async {
        for _ in 0..10 {
            let answer = log_in(&shop, &shop.client, "ann@example.com", "correct horse").await;
            answer.expect(200);
        }
    };
    let (flooded, ()) = tokio::join!(join_all(flood), others);
    let told = |status: u16| {
        flooded
            .iter()
            .filter(|answer| answer.status == status)
            .count()
    };
    // Too much of it is the sender's fault, and no outage of the shop.
    assert_eq!(told(401) + told(429), FLOOD);
    assert!(told(401) > 0 && told(429) > 0);
    for answer in flooded.iter().filter(|answer| answer.status == 429) {
        assert!(answer.headers.contains_key("retry-after"));
    }
    shop.stop().await;
}

#[tokio::test]
async fn wrong_passwords_end_in_429_for_their_sender_alone() {
    let shop = TestShop::start().await;
    shop.register("ann@example.com").await;
    let stranger = elsewhere(2);
    for email in ["ann@example.com", "nobody@example.com"] {
        for _ in 0..FAILURES_MAX {
            let answer = log_in(&shop, &stranger, email, "wrong password").await;
            assert_eq!(answer.error(401), "unauthorized");
        }
        let answer = log_in(&shop, &stranger, &email.to_uppercase(), "correct horse").await;
        assert_eq!(answer.error(429), "too_many_failures");
        let wait = answer.headers["retry-after"].to_str().unwrap();
        assert!((1..=60).contains(&wait.parse().unwrap()), "{wait}");
    }
    let ann = log_in(&shop, &shop.client, "ann@example.com", "correct horse").await;
    ann.expect(200);
    let bob = log_in(&shop, &stranger, "bob@example.com", "wrong password").await;
    assert_eq!(bob.error(401), "unauthorized");
    shop.stop().await;
}

#[tokio::test]
async fn right_passwords_are_never_too_many() {
    let shop = TestShop::start().await;
    shop.register("ann@example.com").await;
    for _ in 0..3 * FAILURES_MAX {
        let answer = log_in(&shop, &shop.client, "ann@example.com", "correct horse").await;
        answer.expect(200);
    }
    shop.stop().await;
}

#[tokio::test]
async fn nobody_gets_another_address_by_claiming_one() {
    let shop = TestShop::start().await;
    let url = format!(
        "{}/api/auth/login",
        shop.shop.url(Service::Gateway).unwrap()
    );
    let mut last = 0;
    for number in 0..=FAILURES_MAX {
        let claimed = format!("192.0.2.{number}");
        let credentials = json!({"email": "ann@example.com", "password": "wrong password"});
        let request = shop.client.post(&url).json(&credentials);
        let request = request.header("x-forwarded-for", &claimed);
        let answer = send(request.header("X-Forwarded-For", format!("{claimed}, {claimed}"))).await;
        last = answer.status.as_u16();
    }
    assert_eq!(last, 429);
    shop.stop().await;
}
