//! What every payment and mail provider keeps to: the simulated ones, and the same behind the APIs of real ones.

use std::sync::Arc;
use std::time::Duration;

use shop::db::Durability;
use shop::fault::{self, Faults, Given};
use shop::provider::http::{HttpMail, HttpPayments, MailAddress, PaymentAddress};
use shop::provider::server::{RunningProvider, Setup, serve};
use shop::provider::simulated::{Behaviour, SimulatedProviders};
use shop::provider::{
    Card, Charge, ChargeError, DeclineReason, Mail, MailError, MailProvider, PaymentMethod,
    PaymentProvider, RefundError,
};
use shop::secret::Secret;
use tempfile::TempDir;
use tokio::net::TcpListener;

const KEY: &str = "sk_test_of_the_contract";
/// Long enough ago that a provider may have forgotten the key.
const LONG_AGO_MS: i64 = 1;

struct World {
    _folder: TempDir,
    world: Arc<SimulatedProviders>,
    faults: Faults,
}

fn world(behaviour: Behaviour) -> World {
    let folder = tempfile::tempdir().expect("a folder");
    let behaviour = Behaviour {
        payment_latency_median: Duration::from_micros(10),
        mail_latency_median: Duration::from_micros(10),
        ..behaviour
    };
    let path = folder.path().join("provider.db");
    let faults = Faults::default();
    let world = SimulatedProviders::open(&path, Durability::Process, behaviour).expect("opens");
    World {
        _folder: folder,
        world: Arc::new(world.with_faults(&faults)),
        faults,
    }
}

async fn served(world: &World) -> RunningProvider {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let setup = Setup {
        payment_key: Some(Secret::new(KEY)),
        mail_key: Some(Secret::new(KEY)),
        webhook: None,
    };
    serve(listener, world.world.clone(), setup).expect("serves")
}

fn payments(provider: &RunningProvider, key: &str) -> HttpPayments {
    HttpPayments::new(&PaymentAddress {
        url: Secret::new(format!("http://{}", provider.address)),
        key: Some(Secret::new(key)),
        on_file: "pm_card_visa".to_owned(),
    })
    .expect("valid")
}

fn mail(provider: &RunningProvider) -> HttpMail {
    HttpMail::new(&MailAddress {
        url: Secret::new(format!("http://{}/", provider.address)),
        key: Some(Secret::new(KEY)),
        from: Some("shop@example.com".to_owned()),
    })
    .expect("valid")
}

fn charge(key: &str, method: PaymentMethod) -> Charge {
    Charge {
        idempotency_key: key.to_owned(),
        amount_minor: 9_999,
        currency: "USD".to_owned(),
        method,
        wanted_since_ms: i64::MAX,
    }
}

fn card(number: &str) -> PaymentMethod {
    PaymentMethod::Card(Card::parse(number, 12, 2099, Some("123")).expect("a card"))
}

async fn payment_contract(provider: &dyn PaymentProvider) {
    // Once for each key, whatever is repeated, and whoever asks at the same time.
    let token = || PaymentMethod::Token("pm_card_visa".to_owned());
    assert_eq!(provider.lookup("intent:1").await, Ok(None));
    let asked = (0..16).map(|_| provider.charge(charge("intent:1", token())));
    let answers = futures_util::future::join_all(asked).await;
    let first = answers[0].clone().expect("charged");
    assert!(answers.iter().all(|answer| answer.as_ref() == Ok(&first)));
    assert_eq!(first.last4.as_deref(), Some("4242"));
    let old = Charge {
        wanted_since_ms: LONG_AGO_MS,
        ..charge("intent:1", token())
    };
    assert_eq!(provider.charge(old).await, Ok(first.clone()));
    assert_eq!(
        provider.lookup("intent:1").await,
        Ok(Some(Ok(first.clone())))
    );

    // The first outcome of a key stands, for another card too, but not for another amount.
    let other_card = charge("intent:1", card("4000000000000002"));
    assert_eq!(provider.charge(other_card).await, Ok(first.clone()));
    let other_amount = Charge {
        amount_minor: 1,
        ..charge("intent:1", token())
    };
    let refused = provider.charge(other_amount).await;
    assert!(
        matches!(refused, Err(ChargeError::Invalid(_))),
        "{refused:?}"
    );

    // Declines are told as the bank tells them, every time.
    for (number, reason) in [
        ("4000000000000002", DeclineReason::Generic),
        ("4000000000009995", DeclineReason::InsufficientFunds),
        ("4000000000000069", DeclineReason::ExpiredCard),
        ("4000000000000127", DeclineReason::IncorrectCvc),
        ("4000000000000119", DeclineReason::ProcessingError),
    ] {
        for _ in 0..2 {
            let declined = provider.charge(charge(number, card(number))).await;
            assert_eq!(declined, Err(ChargeError::Declined(reason)));
        }
        assert_eq!(provider.lookup(number).await, Ok(Some(Err(reason))));
    }
    let nobody = PaymentMethod::Token("pm_nobody".to_owned());
    let refused = provider.charge(charge("intent:2", nobody)).await;
    assert!(
        matches!(refused, Err(ChargeError::Invalid(_))),
        "{refused:?}"
    );

    // Money goes back once.
    let refund = provider.refund(&first.charge_id).await.expect("refunded");
    assert_eq!(provider.refund(&first.charge_id).await, Ok(refund));
    let unknown = provider.refund("ch_unknown").await;
    assert_eq!(
        unknown,
        Err(RefundError::UnknownCharge("ch_unknown".to_owned()))
    );

    // The books show what went through, page by page, once.
    for number in 0..25 {
        let key = format!("order:{number}");
        let charged = provider.charge(charge(&key, PaymentMethod::OnFile)).await;
        charged.expect("charged");
    }
    let mut keys = Vec::new();
    let mut after = None;
    loop {
        let page = provider.books(0, after, 7).await.expect("books");
        for booked in page.items {
            assert_eq!(
                (booked.amount_minor, booked.currency.as_str()),
                (9_999, "USD")
            );
            assert_eq!(booked.refunded, booked.idempotency_key == "intent:1");
            keys.push(booked.idempotency_key);
        }
        let Some(next) = page.next else { break };
        after = Some(next);
    }
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), 26);
    let future = provider
        .books(4_000_000_000_000, None, 7)
        .await
        .expect("books");
    assert!(future.items.is_empty());
}

async fn mail_contract(provider: &dyn MailProvider) {
    let mail = Mail {
        idempotency_key: "confirmation:1".to_owned(),
        to: "ann@example.com".to_owned(),
        subject: "Hello".to_owned(),
        text: "Hello.".to_owned(),
    };
    let first = provider.send(mail.clone()).await.expect("sent");
    assert!(!first.message_id.is_empty());
    assert_eq!(provider.send(mail).await, Ok(first));
}

#[tokio::test]
async fn the_simulated_world_keeps_the_contract() {
    let world = world(Behaviour::default());
    payment_contract(&*world.world).await;
    mail_contract(&*world.world).await;
    assert_eq!(
        world.world.mails_of("confirmation:1").await.expect("books"),
        1
    );
}

#[tokio::test]
async fn providers_over_http_keep_the_contract() {
    let world = world(Behaviour::default());
    let provider = served(&world).await;
    payment_contract(&payments(&provider, KEY)).await;
    mail_contract(&mail(&provider)).await;
    assert_eq!(
        world.world.mails_of("confirmation:1").await.expect("books"),
        1
    );
    provider.stop().await;
}

#[tokio::test]
async fn what_does_not_answer_is_unavailable_and_nothing_is_told_of_keys() {
    let world = world(Behaviour {
        mail_rejection_share: 1.0,
        ..Behaviour::default()
    });
    let provider = served(&world).await;
    let (good, bad) = (
        payments(&provider, KEY),
        payments(&provider, "sk_live_wrong"),
    );
    let refused = bad.charge(charge("order:1", PaymentMethod::OnFile)).await;
    let Err(ChargeError::Unavailable(cause)) = &refused else {
        panic!("{refused:?}");
    };
    assert!(
        cause.contains("key") && !cause.contains("sk_live"),
        "{cause}"
    );
    assert!(matches!(
        bad.refund("ch_1").await,
        Err(RefundError::Unavailable(_))
    ));
    assert!(
        world
            .world
            .booked_charges(10)
            .await
            .expect("books")
            .is_empty()
    );

    let outage = fault::install("payment_outage", &world.faults, &Given::default()).expect("armed");
    let down = good.charge(charge("order:1", PaymentMethod::OnFile)).await;
    assert!(matches!(down, Err(ChargeError::Unavailable(_))), "{down:?}");
    assert!(
        good.books(0, None, 5).await.is_ok(),
        "the list needs no bank"
    );
    drop(outage);
    good.charge(charge("order:1", PaymentMethod::OnFile))
        .await
        .expect("charged");

    let post_office = mail(&provider);
    let letter = Mail {
        idempotency_key: "m".to_owned(),
        to: "ann@example.com".to_owned(),
        subject: "Hello".to_owned(),
        text: "Hello.".to_owned(),
    };
    let rejected = post_office.send(letter.clone()).await;
    assert!(
        matches!(rejected, Err(MailError::Rejected(_))),
        "{rejected:?}"
    );
    provider.stop().await;
    let gone = good.charge(charge("order:2", PaymentMethod::OnFile)).await;
    assert!(matches!(gone, Err(ChargeError::Unavailable(_))), "{gone:?}");
    let gone = post_office.send(letter).await;
    assert!(matches!(gone, Err(MailError::Unavailable(_))), "{gone:?}");
}

#[test]
fn addresses_that_cannot_be_used_are_named_by_their_variable() {
    let address = |url: &str, key: Option<&str>| PaymentAddress {
        url: Secret::new(url),
        key: key.map(Secret::new),
        on_file: String::new(),
    };
    for (address, word) in [
        (
            address("ftp://user:pass@bank", Some("k")),
            "PAYMENT_PROVIDER_URL",
        ),
        (
            address("https://user:pass@bank", None),
            "PAYMENT_PROVIDER_KEY",
        ),
    ] {
        let error = HttpPayments::new(&address)
            .err()
            .expect("refused")
            .to_string();
        assert!(error.contains(word) && !error.contains("pass@"), "{error}");
    }
    let nobody = MailAddress {
        url: Secret::new("https://mail.example.com"),
        key: Some(Secret::new("k")),
        from: None,
    };
    let error = HttpMail::new(&nobody).err().expect("refused").to_string();
    assert!(error.contains("MAIL_FROM"), "{error}");
}
