//! Accounts and tokens.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::future::join_all;
use serde_json::{Value, json};
use shop::Service;
use shop::store::Role;

use crate::support::{JWT_SECRET, TestShop};

#[tokio::test]
async fn an_account_is_made_once_and_logs_in_whatever_the_case() {
    let shop = TestShop::start().await;
    let new = json!({"email": "Ann@Example.com", "password": "correct horse", "name": "Ann"});
    let made = shop
        .post("/api/auth/register", new.clone())
        .await
        .expect(201);
    assert_eq!(made["user"]["email"], "ann@example.com");
    assert_eq!(made["user"]["role"], "customer");
    let again = shop.post("/api/auth/register", new).await;
    assert_eq!(again.error(409), "email_taken");

    let credentials = json!({"email": "ANN@example.com", "password": "correct horse"});
    let session = shop.post("/api/auth/login", credentials).await.expect(200);
    let token = session["token"].as_str().unwrap();
    let profile = shop.get_as(token, "/api/auth/profile").await.expect(200);
    assert_eq!(profile["id"], made["user"]["id"]);
    assert!(!profile.to_string().contains("argon2"));
    shop.stop().await;
}

#[tokio::test]
async fn two_who_register_at_once_make_one_account() {
    let shop = TestShop::start().await;
    let tries = (0..10).map(|_| {
        let new = json!({"email": "ann@example.com", "password": "correct horse", "name": "Ann"});
        shop.post("/api/auth/register", new)
    });
    let mut statuses: Vec<u16> = join_all(tries)
        .await
        .into_iter()
        .map(|answer| answer.status.as_u16())
        .collect();
    statuses.sort_unstable();
    assert_eq!(statuses[0], 201);
    assert!(
        statuses[1..].iter().all(|&status| status == 409),
        "{statuses:?}"
    );
    shop.stop().await;
}

#[tokio::test]
async fn wrong_passwords_and_unknown_addresses_look_the_same() {
    let shop = TestShop::start().await;
    let known = json!({"email": "demo@rumshop.com", "password": "password124"});
    let unknown = json!({"email": "nobody@rumshop.com", "password": "password123"});
    let known = shop.post("/api/auth/login", known).await;
    let unknown = shop.post("/api/auth/login", unknown).await;
    assert_eq!(known.error(401), unknown.error(401));
    assert_eq!(
        known.expect(401)["error"]["message"],
        unknown.expect(401)["error"]["message"]
    );
    assert!(known.headers.contains_key("www-authenticate"));
    shop.stop().await;
}

#[tokio::test]
async fn unacceptable_registrations_are_refused() {
    let shop = TestShop::start().await;
    for body in [
        json!({"email": "nobody", "password": "correct horse", "name": "Ann"}),
        json!({"email": "a@b.co", "password": "short", "name": "Ann"}),
        json!({"email": "a@b.co", "password": "x".repeat(129), "name": "Ann"}),
        json!({"email": "a@b.co", "password": "correct horse", "name": ""}),
        json!({"email": "a@b.co", "password": "correct horse", "name": "\u{0}"}),
        json!({"email": "a@b.co", "password": "correct horse"}),
        json!({"email": 1, "password": "correct horse", "name": "Ann"}),
    ] {
        let answer = shop.post("/api/auth/register", body.clone()).await;
        assert_eq!(answer.error(422), "invalid_value", "{body}");
    }
    shop.stop().await;
}

type Hs256 = hmac::Hmac<sha2::Sha256>;
type Hs512 = hmac::Hmac<sha2::Sha512>;

/// A token signed without any of the shop's code.
fn token_with<M: hmac::Mac + hmac::digest::KeyInit>(
    secret: &str,
    algorithm: &str,
    expires_in_s: i64,
) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let exp = i64::try_from(now.as_secs()).unwrap() + expires_in_s;
    let header = json!({"typ": "JWT", "alg": algorithm});
    let claims =
        json!({"iss": "rum-shop", "sub": "guest:x", "role": "admin", "iat": 0, "exp": exp});
    let signed = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
    let signed = signed.join(".");
    let mac = <M as hmac::Mac>::new_from_slice(secret.as_bytes()).unwrap();
    let signature = mac.chain_update(&signed).finalize().into_bytes();
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

#[tokio::test]
async fn only_genuine_tokens_that_have_not_expired_open_the_door() {
    let shop = TestShop::start().await;
    let genuine = token_with::<Hs256>(JWT_SECRET, "HS256", 60);
    shop.get_as(&genuine, "/api/orders").await.expect(200);
    for bad in [
        token_with::<Hs256>(JWT_SECRET, "HS256", -60),
        token_with::<Hs256>("another secret", "HS256", 60),
        token_with::<Hs512>(JWT_SECRET, "HS512", 60),
        // {"alg":"none"} with the claims of an administrator and no signature.
        "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4Iiwicm9sZSI6ImFkbWluIn0.".to_owned(),
        "garbage".to_owned(),
    ] {
        assert_eq!(
            shop.get_as(&bad, "/api/orders").await.error(401),
            "unauthorized"
        );
    }
    shop.stop().await;
}

#[tokio::test]
async fn a_fresh_token_says_how_long_it_is_good() {
    let shop = TestShop::start_with(|config| config.token_ttl = Duration::from_secs(42)).await;
    let session = shop.post("/api/auth/login", demo()).await.expect(200);
    assert_eq!(session["expiresIn"], 42);
    shop.stop().await;
}

fn demo() -> Value {
    json!({"email": "demo@rumshop.com", "password": "password123"})
}

#[tokio::test]
async fn the_demo_account_is_a_customer_like_any_other() {
    let shop = TestShop::start().await;
    let session = shop.post("/api/auth/login", demo()).await.expect(200);
    assert_eq!(session["user"]["role"], "customer");
    let token = session["token"].as_str().unwrap();
    let books = shop.get_as(token, "/api/admin/orders").await;
    assert_eq!(books.error(403), "forbidden");
    shop.stop().await;
}

#[tokio::test]
async fn a_shop_without_demo_account_has_none_even_if_it_had_one() {
    let shop = TestShop::start().await;
    let home = Arc::clone(&shop.folder);
    shop.stop().await;
    let closed = TestShop::start_in(Arc::clone(&home), |config| config.demo_account = false).await;
    let refused = closed.post("/api/auth/login", demo()).await;
    assert_eq!(refused.error(401), "unauthorized");
    closed.stop().await;
    let open = TestShop::start_in(home, |_| {}).await;
    open.post("/api/auth/login", demo()).await.expect(200);
    open.stop().await;

    let fresh = TestShop::start_with(|config| config.demo_account = false).await;
    let users = &fresh.shop.context().stores.users;
    let found = users.by_email("demo@rumshop.com".into()).await.unwrap();
    assert!(found.is_none());
    fresh.stop().await;
}

#[tokio::test]
async fn a_demo_account_that_was_an_administrator_is_one_no_longer() {
    let shop = TestShop::start().await;
    shop.set_role("demo@rumshop.com", Role::Admin).await;
    let token = shop.log_in("demo@rumshop.com", "password123").await;
    shop.get_as(&token, "/api/admin/orders").await.expect(200);
    let home = Arc::clone(&shop.folder);
    shop.stop().await;
    // Whichever process starts first puts it right, also one that knows nothing of accounts.
    for services in [Service::Orders, Service::Auth] {
        let shop = TestShop::start_in(Arc::clone(&home), |config| {
            config.services = vec![Service::Gateway, services];
        })
        .await;
        let users = &shop.shop.context().stores.users;
        let found = users.by_email("demo@rumshop.com".into()).await.unwrap();
        assert_eq!(found.unwrap().role, Role::Customer);
        if services == Service::Orders {
            let books = shop.get_as(&token, "/api/admin/orders").await;
            assert_eq!(books.error(403), "forbidden");
        }
        shop.stop().await;
    }
}

#[tokio::test]
async fn an_administrators_token_is_worth_what_its_account_is_worth_now() {
    let shop = TestShop::start().await;
    shop.register("root@example.com").await;
    shop.set_role("root@example.com", Role::Admin).await;
    let token = shop.log_in("root@example.com", "correct horse").await;
    shop.get_as(&token, "/api/admin/orders").await.expect(200);
    shop.set_role("root@example.com", Role::Customer).await;
    let refused = shop.get_as(&token, "/api/admin/orders").await;
    assert_eq!(refused.error(403), "forbidden");
    // Genuine, with the role of an administrator, but of no account.
    let of_nobody = token_with::<Hs256>(JWT_SECRET, "HS256", 60);
    let refused = shop.get_as(&of_nobody, "/api/admin/orders").await;
    assert_eq!(refused.error(403), "forbidden");
    shop.stop().await;
}

#[tokio::test]
async fn nobody_registers_as_an_administrator() {
    let shop = TestShop::start().await;
    let new = json!({
        "email": "eve@example.com", "password": "correct horse", "name": "Eve",
        "role": "admin", "isAdmin": true, "id": "00000000-0000-0000-0000-000000000000",
    });
    let made = shop.post("/api/auth/register", new).await.expect(201);
    assert_eq!(made["user"]["role"], "customer");
    assert_ne!(made["user"]["id"], "00000000-0000-0000-0000-000000000000");
    let token = made["token"].as_str().unwrap();
    let refused = shop.get_as(token, "/api/admin/orders").await;
    assert_eq!(refused.error(403), "forbidden");
    shop.stop().await;
}
