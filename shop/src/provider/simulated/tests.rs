//! The bank and the post office keep their word: once for each key, as documented, as configured.

use super::*;
use crate::fault::{self, Given};
use crate::provider::Card;

fn world(behaviour: Behaviour) -> (tempfile::TempDir, SimulatedProviders) {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("provider.db");
    let quick = Behaviour {
        payment_latency_median: Duration::from_micros(10),
        mail_latency_median: Duration::from_micros(10),
        ..behaviour
    };
    let world = SimulatedProviders::open(&path, Durability::Process, quick).expect("opens");
    (dir, world)
}

fn charge(key: &str, method: PaymentMethod) -> Charge {
    Charge {
        idempotency_key: key.into(),
        amount_minor: 9_999,
        currency: "USD".into(),
        method,
        wanted_since_ms: now_ms(),
    }
}

#[tokio::test]
async fn the_same_key_is_charged_once_and_refunded_once() {
    let (_dir, world) = world(Behaviour::default());
    let first = world
        .charge(charge("order-1", PaymentMethod::OnFile))
        .await
        .expect("charged");
    let again = world
        .charge(charge("order-1", PaymentMethod::OnFile))
        .await
        .expect("charged");
    assert_eq!(first, again);
    let refund = world.refund(&first.charge_id).await.expect("refunded");
    assert_eq!(world.refund(&first.charge_id).await, Ok(refund));
    let booked = world.booked_charges(10).await.expect("books");
    assert_eq!(booked.len(), 1);
    assert!(booked[0].refunded);
    let unknown = world.refund("ch_x").await;
    assert_eq!(unknown, Err(RefundError::UnknownCharge("ch_x".into())));
}

#[tokio::test]
async fn a_key_does_not_stretch_to_another_amount() {
    let (_dir, world) = world(Behaviour::default());
    world
        .charge(charge("k", PaymentMethod::OnFile))
        .await
        .expect("charged");
    let other = Charge {
        amount_minor: 1,
        ..charge("k", PaymentMethod::OnFile)
    };
    assert!(matches!(
        world.charge(other).await,
        Err(ChargeError::Invalid(_))
    ));
}

#[tokio::test]
async fn test_cards_are_answered_as_documented() {
    let (_dir, world) = world(Behaviour::default());
    for (number, reason) in [
        ("4242424242424242", None),
        ("4000000000000002", Some(DeclineReason::Generic)),
        ("4000000000009995", Some(DeclineReason::InsufficientFunds)),
        ("4000000000000069", Some(DeclineReason::ExpiredCard)),
    ] {
        let card = Card::parse(number, 12, 2099, Some("123")).expect("valid");
        let answer = world
            .charge(charge(number, PaymentMethod::Card(card)))
            .await;
        assert_eq!(answer.err(), reason.map(ChargeError::Declined), "{number}");
    }
    let old = Card::parse("4242424242424242", 1, 2001, None).expect("valid");
    let answer = world.charge(charge("old", PaymentMethod::Card(old))).await;
    assert_eq!(
        answer,
        Err(ChargeError::Declined(DeclineReason::ExpiredCard))
    );
}

#[tokio::test]
async fn declines_are_a_share_and_the_same_each_time() {
    let (_dir, world) = world(Behaviour {
        decline_share: 0.25,
        ..Behaviour::default()
    });
    let declined = |n: usize| world.happens("decline", &format!("order-{n}"), 0.25);
    let count = (0..4_000).filter(|n| declined(*n)).count();
    assert!((900..1_100).contains(&count), "{count}");
    let unlucky = (0..4_000).find(|n| declined(*n)).expect("one");
    for _ in 0..2 {
        let answer = world
            .charge(charge(&format!("order-{unlucky}"), PaymentMethod::OnFile))
            .await;
        assert_eq!(
            answer,
            Err(ChargeError::Declined(DeclineReason::InsufficientFunds))
        );
    }
}

#[tokio::test]
async fn an_outage_passes_and_leaves_no_trace() {
    let (_dir, world) = world(Behaviour::default());
    let faults = Faults::default();
    let world = world.with_faults(&faults);
    let outage = fault::install("payment_outage", &faults, &Given::default()).expect("armed");
    let answer = world.charge(charge("k", PaymentMethod::OnFile)).await;
    assert!(matches!(answer, Err(ChargeError::Unavailable(_))));
    assert!(world.booked_charges(10).await.expect("books").is_empty());
    drop(outage);
    assert!(
        world
            .charge(charge("k", PaymentMethod::OnFile))
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn a_mail_is_sent_once() {
    let (_dir, world) = world(Behaviour::default());
    let mail = Mail {
        idempotency_key: "confirmation:1".into(),
        to: "a@example.com".into(),
        subject: "Hello".into(),
        text: "Hello.".into(),
    };
    let first = world.send(mail.clone()).await.expect("sent");
    assert_eq!(world.send(mail).await, Ok(first));
    assert_eq!(world.mails_of("confirmation:1").await.expect("books"), 1);
}
