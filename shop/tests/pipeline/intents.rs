//! Payment intents: made, confirmed, confirmed again, declined, settled by webhook.

use hmac::{Hmac, Mac};
use reqwest::StatusCode;
use serde_json::{Value, json};
use sha2::Sha256;
use shop::Service;

use crate::shop_under_test::{TestShop, quick, text};

const CARD_OK: &str = "4242424242424242";
const CARD_POOR: &str = "4000000000009995";

async fn create(shop: &TestShop, order_id: &str) -> Value {
    let (status, intent) = shop
        .post(
            Service::Payment,
            "/api/payment/create-intent",
            json!({ "orderId": order_id }),
        )
        .await;
    assert_eq!(status, StatusCode::CREATED, "{intent}");
    assert_eq!(intent["status"], "requires_confirmation");
    intent
}

async fn confirm(shop: &TestShop, intent_id: &str, number: &str) -> (StatusCode, Value) {
    let body = json!({
        "intentId": intent_id,
        "paymentMethod": {"type": "card", "number": number, "expMonth": 12, "expYear": 2090, "cvc": "123"},
    });
    shop.post(Service::Payment, "/api/payment/confirm", body)
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_confirmed_intent_pays_its_order_once() {
    confirmed_intent(TestShop::start(quick()).await).await;
}

pub(crate) async fn confirmed_intent(shop: TestShop) {
    let order_id = shop.order(7, 1, "intent").await;
    let intent = create(&shop, &order_id).await;
    let id = text(&intent, "id");
    assert_eq!(create(&shop, &order_id).await["id"], intent["id"]);
    let confirmations = (0..5).map(|_| confirm(&shop, &id, CARD_OK));
    for (status, answer) in futures_util::future::join_all(confirmations).await {
        assert_eq!(status, StatusCode::OK, "{answer}");
        assert_eq!(answer["status"], "succeeded");
    }
    shop.order_in(&order_id, "reserved").await;
    assert_eq!(shop.charges(&format!("intent:{id}")).await, (1, 0));
    let (status, answer) = confirm(&shop, &id, CARD_POOR).await;
    assert_eq!(
        (status, &answer["status"]),
        (StatusCode::OK, &json!("succeeded"))
    );
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_declined_card_leaves_the_order_to_another_card() {
    let shop = TestShop::start(quick()).await;
    let order_id = shop.order(7, 1, "intent").await;
    let first = text(&create(&shop, &order_id).await, "id");
    for _ in 0..2 {
        let (status, answer) = confirm(&shop, &first, CARD_POOR).await;
        assert_eq!(status, StatusCode::PAYMENT_REQUIRED);
        assert_eq!(answer["error"]["code"], "card_declined");
        assert_eq!(answer["error"]["declineReason"], "insufficient_funds");
    }
    assert_eq!(shop.order_now(&order_id).await["status"], "pending");
    let second = text(&create(&shop, &order_id).await, "id");
    assert_ne!(first, second);
    let (status, _) = confirm(&shop, &second, CARD_OK).await;
    assert_eq!(status, StatusCode::OK);
    shop.order_in(&order_id, "reserved").await;
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_requests_are_refused_with_the_field() {
    let shop = TestShop::start(quick()).await;
    let order_id = shop.order(7, 1, "intent").await;
    let id = text(&create(&shop, &order_id).await, "id");
    let (status, answer) = confirm(&shop, &id, "4242424242424241").await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        text(&answer["error"], "message").contains("number"),
        "{answer}"
    );
    let (status, _) = confirm(&shop, "pi_none", CARD_OK).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    let automatic = shop.order(8, 1, "automatic").await;
    let (status, answer) = shop
        .post(
            Service::Payment,
            "/api/payment/create-intent",
            json!({ "orderId": automatic }),
        )
        .await;
    assert_eq!(status, StatusCode::CONFLICT, "{answer}");
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_confirmation_during_an_outage_can_be_repeated_after_it() {
    let shop = TestShop::start(quick()).await;
    let order_id = shop.order(7, 1, "intent").await;
    let id = text(&create(&shop, &order_id).await, "id");
    let outage = shop.fault("payment_outage");
    let (status, _) = confirm(&shop, &id, CARD_OK).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    drop(outage);
    let (status, _) = confirm(&shop, &id, CARD_OK).await;
    assert_eq!(status, StatusCode::OK);
    shop.order_in(&order_id, "reserved").await;
    assert_eq!(shop.charges(&format!("intent:{id}")).await, (1, 0));
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_settles_an_intent_and_its_replay_is_harmless() {
    let shop = TestShop::start(quick()).await;
    let order_id = shop.order(7, 1, "intent").await;
    let id = text(&create(&shop, &order_id).await, "id");
    let body = json!({
        "id": "evt_1",
        "type": "payment_intent.succeeded",
        "data": {"object": {"id": id, "latest_charge": "ch_outside"}},
    })
    .to_string();
    let signature = sign(&body);
    let (status, answer) = shop.webhook("t=1,v1=00", &body).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED, "{answer}");
    for duplicate in [false, true] {
        let (status, answer) = shop.webhook(&signature, &body).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        assert_eq!(answer["duplicate"], duplicate);
    }
    let order = shop.order_in(&order_id, "reserved").await;
    assert_eq!(order["paymentStatus"], "charged");
    let (status, _) = shop
        .webhook(&signature, &body.replace("evt_1", "evt_2"))
        .await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    shop.stop().await;
}

fn sign(body: &str) -> String {
    let now_s = shop::clock::now_ms() / 1_000;
    let mut mac = Hmac::<Sha256>::new_from_slice(b"whsec_tests").expect("any length");
    mac.update(format!("{now_s}.{body}").as_bytes());
    let digest = mac.finalize().into_bytes();
    let hex = telemetry::text::hex(digest);
    format!("t={now_s},v1={hex}")
}
