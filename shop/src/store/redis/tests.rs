//! The contract of carts and intents, and what only Redis must do.

use std::time::{Duration, Instant};

use test_servers::redis::{RedisServer, TestRedis};

use super::*;
use crate::clock::now_ms;
use crate::money::Currency;
use crate::store::session_contract::session_contract;
use crate::store::{CartItem, Intent, IntentChange, IntentStatus};

const TTL: Duration = Duration::from_secs(600);
/// How soon after its return Redis must be in use again.
const RECOVERY_MAX: Duration = Duration::from_secs(2);

fn settings(redis: &TestRedis) -> Settings {
    Settings {
        prefix: redis.prefix().to_owned(),
        ..Settings::new(Secret::new(redis.url()), "test")
    }
}

async fn fresh() -> (TestRedis, Sessions) {
    let redis = TestRedis::fresh();
    let sessions = open_sessions(&settings(&redis), true).await.expect("opens");
    (redis, sessions)
}

session_contract!(fresh);

fn item() -> CartItem {
    CartItem {
        product_id: 1,
        name: "Thing".into(),
        unit_price_minor: 100,
        currency: Currency::default(),
        quantity: 1,
    }
}

fn intent(now: i64) -> Intent {
    Intent {
        id: "pi".into(),
        order_id: Some(uuid::Uuid::from_u128(7)),
        owner: None,
        amount: crate::money::Money::new(1, Currency::default()),
        status: IntentStatus::RequiresConfirmation,
        reason: None,
        provider_charge_id: None,
        created_at_ms: now,
        expires_at_ms: now + 600_000,
    }
}

fn to(from: IntentStatus, to: IntentStatus) -> IntentChange {
    IntentChange {
        id: "pi".into(),
        from: vec![from],
        to,
        reason: None,
        provider_charge_id: None,
        webhook_event_id: Some(format!("evt_{}", to.as_str())),
        now_ms: now_ms(),
    }
}

/// Every key with its time to live in milliseconds; -1 for none.
async fn lives(redis: &TestRedis) -> Vec<(String, i64)> {
    let connection = Connection::new(&settings(redis)).expect("connects");
    let mut keys: Vec<String> = connection
        .query(redis::cmd("KEYS").arg(format!("{}*", redis.prefix())))
        .await
        .expect("answers");
    keys.sort();
    let mut lives = Vec::new();
    for key in keys {
        let life: i64 = connection
            .query(redis::cmd("PTTL").arg(&key))
            .await
            .expect("answers");
        lives.push((key.replacen(redis.prefix(), "", 1), life));
    }
    lives
}

#[tokio::test]
async fn everything_is_forgotten_some_day_but_what_is_being_charged() {
    let (redis, sessions) = fresh().await;
    let add = sessions.carts.add("s".into(), item(), now_ms(), TTL);
    add.await.expect("adds");
    sessions
        .intents
        .create(intent(now_ms()))
        .await
        .expect("creates");
    for (key, life) in lives(&redis).await {
        assert!(life > 0, "{key} is kept for ever");
    }
    let start = to(IntentStatus::RequiresConfirmation, IntentStatus::Processing);
    sessions.intents.change(start).await.expect("moves");
    let forever: Vec<_> = lives(&redis).await;
    let forever: Vec<_> = forever.iter().filter(|(_, life)| *life == -1).collect();
    assert_eq!(
        forever.len(),
        3,
        "the intent, its order's key, the list of those: {forever:?}"
    );
    let end = to(IntentStatus::Processing, IntentStatus::Succeeded);
    sessions.intents.change(end).await.expect("moves");
    let kept = lives(&redis).await;
    assert_eq!(
        kept.len(),
        5,
        "cart, intent, order's key, two webhooks: {kept:?}"
    );
    for (key, life) in kept {
        assert!(life > 0, "{key} is kept for ever");
    }
}

#[tokio::test]
async fn a_lapsed_cart_is_gone_from_redis() {
    let (redis, sessions) = fresh().await;
    let brief = Duration::from_millis(50);
    let add = sessions.carts.add("s".into(), item(), now_ms(), brief);
    add.await.expect("adds");
    let deadline = Instant::now() + Duration::from_secs(20);
    while !lives(&redis).await.is_empty() {
        assert!(Instant::now() < deadline, "still there");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn what_was_acknowledged_survives_a_kill_of_redis() {
    let mut server = RedisServer::start();
    let settings = Settings::new(Secret::new(server.url()), "test");
    let sessions = open_sessions(&settings, true).await.expect("opens");
    let add = sessions.carts.add("s".into(), item(), now_ms(), TTL);
    add.await.expect("adds");
    server.kill();
    let down = sessions.carts.get("s".into(), now_ms()).await;
    assert!(matches!(down, Err(StoreError::Busy(_))), "{down:?}");
    server.start_again();
    let cart = recovered(&sessions).await;
    assert_eq!(cart.items, [item()]);
}

#[tokio::test]
async fn a_redis_that_hangs_is_left_and_used_again() {
    let server = RedisServer::start();
    let settings = Settings::new(Secret::new(server.url()), "test");
    let sessions = open_sessions(&settings, true).await.expect("opens");
    let add = sessions.carts.add("s".into(), item(), now_ms(), TTL);
    add.await.expect("adds");
    server.pause();
    for _ in 0..3 {
        let hung = sessions.carts.get("s".into(), now_ms()).await;
        assert!(matches!(hung, Err(StoreError::Busy(_))), "{hung:?}");
    }
    server.resume();
    recovered(&sessions).await;
}

/// A link that fell silent is given up although everybody who asks has less patience than the limit of an answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_link_is_given_up_although_all_callers_leave_early() {
    let server = RedisServer::start();
    let (port, links) = proxy_that_falls_silent(server.port()).await;
    let settings = Settings::new(Secret::new(format!("redis://127.0.0.1:{port}")), "test");
    let sessions = open_sessions(&settings, true).await.expect("opens");
    let add = sessions.carts.add("s".into(), item(), now_ms(), TTL);
    add.await.expect("adds");
    links.send_replace(true);
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let impatient = Duration::from_millis(100);
        let asked = sessions.carts.get("s".into(), now_ms());
        if let Ok(Ok(cart)) = tokio::time::timeout(impatient, asked).await {
            assert_eq!(cart.expect("the cart is still there").items, [item()]);
            return;
        }
        assert!(Instant::now() < deadline, "the silent link is kept");
    }
}

/// Links made before the word is given carry nothing from then on, and stay open.
async fn proxy_that_falls_silent(to: u16) -> (u16, tokio::sync::watch::Sender<bool>) {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0))
        .await
        .expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let (word, heard) = tokio::sync::watch::channel(false);
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            let mut heard = heard.clone();
            heard.mark_unchanged();
            tokio::spawn(async move {
                let mut far = tokio::net::TcpStream::connect(("127.0.0.1", to))
                    .await
                    .expect("Redis listens");
                tokio::select! {
                    _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
                    Ok(()) = heard.changed() => std::future::pending().await,
                }
            });
        }
    });
    (port, word)
}

/// The cart once Redis is used again, which must be soon.
async fn recovered(sessions: &Sessions) -> crate::store::Cart {
    let back = Instant::now();
    loop {
        match sessions.carts.get("s".into(), now_ms()).await {
            Ok(cart) => return cart.expect("the cart is still there"),
            Err(error) => assert!(back.elapsed() < RECOVERY_MAX, "still {error}"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_wrong_password_ends_the_start_at_once_and_is_not_shown() {
    let server = RedisServer::start_with(&["--requirepass", "right-secret"]);
    let port = server.port();
    for url in [
        format!("redis://127.0.0.1:{port}"),
        format!("redis://:wrong-secret@127.0.0.1:{port}"),
    ] {
        let settings = Settings::new(Secret::new(url), "test");
        let refused = open_sessions(&settings, true).await.err().expect("refused");
        let said = format!("{refused:#} {refused:?}");
        assert!(
            said.contains("refuses the user or password of REDIS_URL"),
            "{said}"
        );
        assert!(!said.contains("secret"), "{said}");
    }
    let url = format!("redis://:right-secret@127.0.0.1:{port}");
    let settings = Settings::new(Secret::new(url), "test");
    open_sessions(&settings, true).await.expect("opens");
}

#[tokio::test]
async fn an_address_that_cannot_be_read_is_named_without_its_password() {
    for url in ["http://:hush@host:6379", "redis://:hush@host:port", "hush"] {
        let settings = Settings::new(Secret::new(url), "test");
        let refused = open_sessions(&settings, false)
            .await
            .err()
            .expect("refused");
        let said = format!("{refused:#} {refused:?}");
        assert!(
            said.contains("REDIS_URL") && said.contains("rediss://"),
            "{said}"
        );
        assert!(!said.contains("hush"), "{said}");
    }
}

#[tokio::test]
async fn tls_is_spoken_with_a_private_authority() {
    let server = RedisServer::start_with_tls();
    let trusting = Settings {
        ca_file: Some(server.ca_file()),
        ..Settings::new(Secret::new(server.tls_url()), "test")
    };
    let sessions = open_sessions(&trusting, true).await.expect("opens");
    let add = sessions.carts.add("s".into(), item(), now_ms(), TTL);
    add.await.expect("adds");
    let doubting = Settings {
        ca_file: None,
        ..trusting
    };
    let connection = Connection::new(&doubting).expect("settings are fine");
    let refused: StoreResult<()> = connection.query(&redis::cmd("PING")).await;
    assert!(matches!(refused, Err(StoreError::Busy(_))), "{refused:?}");
}
