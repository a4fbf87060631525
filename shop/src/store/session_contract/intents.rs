//! Payment intents.

use tokio::task::JoinSet;
use uuid::Uuid;

use super::{CROWD, TTL, ms};
use crate::clock::now_ms;
use crate::money::{Currency, Money};
use crate::store::IntentStatus::{Cancelled, Failed, Processing, RequiresConfirmation, Succeeded};
use crate::store::*;

fn intent(id: &str, order_id: Option<Uuid>, now: i64) -> Intent {
    Intent {
        id: id.to_owned(),
        order_id,
        owner: Some("user:1".into()),
        amount: Money::new(9_007_199_254_740_993, Currency::default()),
        status: IntentStatus::RequiresConfirmation,
        reason: None,
        provider_charge_id: None,
        created_at_ms: now,
        expires_at_ms: now + ms(TTL),
    }
}

fn order(number: u128) -> Option<Uuid> {
    Some(Uuid::from_u128(number))
}

fn to(id: &str, from: IntentStatus, to: IntentStatus, now_ms: i64) -> IntentChange {
    IntentChange {
        id: id.to_owned(),
        from: vec![from],
        to,
        reason: None,
        provider_charge_id: None,
        webhook_event_id: None,
        now_ms,
    }
}

async fn create(sessions: &Sessions, intent: Intent) -> Intent {
    sessions
        .intents
        .create(intent)
        .await
        .expect("the store answers")
}

async fn get(sessions: &Sessions, id: &str, now: i64) -> Option<Intent> {
    sessions
        .intents
        .get(id.to_owned(), now)
        .await
        .expect("the store answers")
}

async fn change(sessions: &Sessions, change: IntentChange) -> IntentTransitionResult {
    sessions
        .intents
        .change(change)
        .await
        .expect("the store answers")
}

/// Every field comes back, money to the last unit; what no order has can be made any number of times.
pub(crate) async fn an_intent_is_kept_as_it_is(sessions: Sessions) {
    let now = now_ms();
    let full = Intent {
        reason: Some("because \"of\" ä".into()),
        provider_charge_id: Some("ch_1".into()),
        ..intent("a", order(1), now)
    };
    assert_eq!(create(&sessions, full.clone()).await, full);
    assert_eq!(get(&sessions, "a", now).await, Some(full));
    for id in ["b", "c"] {
        let plain = Intent {
            owner: None,
            ..intent(id, None, now)
        };
        create(&sessions, plain.clone()).await;
        assert_eq!(get(&sessions, id, now).await, Some(plain));
    }
    assert_eq!(get(&sessions, "d", now).await, None);
}

/// An order has one live intent; a dead one makes room for another.
pub(crate) async fn an_order_has_one_live_intent(sessions: Sessions) {
    let now = now_ms();
    let lapsed = now + ms(TTL);
    create(&sessions, intent("a", order(1), now)).await;
    assert_eq!(create(&sessions, intent("b", order(1), now)).await.id, "a");
    assert_eq!(get(&sessions, "b", now).await, None, "it was never made");
    assert_eq!(create(&sessions, intent("c", order(2), now)).await.id, "c");
    change(&sessions, to("a", RequiresConfirmation, Failed, now)).await;
    assert_eq!(create(&sessions, intent("d", order(1), now)).await.id, "d");
    assert_eq!(
        create(&sessions, intent("e", order(1), lapsed)).await.id,
        "e"
    );
    change(&sessions, to("e", RequiresConfirmation, Cancelled, lapsed)).await;
    assert_eq!(
        create(&sessions, intent("f", order(1), lapsed)).await.id,
        "f"
    );
    for status in [(RequiresConfirmation, Processing), (Processing, Succeeded)] {
        change(&sessions, to("f", status.0, status.1, lapsed)).await;
        let much_later = lapsed + 2 * ms(TTL);
        let asked = create(&sessions, intent("g", order(1), much_later)).await;
        assert_eq!((asked.id.as_str(), asked.status), ("f", status.1));
    }
}

/// However many ask at once, an order gets one intent.
pub(crate) async fn racing_creations_make_one_intent(sessions: Sessions) {
    let now = now_ms();
    let mut crowd = JoinSet::new();
    for caller in 0..CROWD {
        let sessions = sessions.clone();
        let wanted = intent(&format!("i{caller}"), order(1), now);
        crowd.spawn(async move { create(&sessions, wanted).await.id });
    }
    let mut ids = crowd.join_all().await;
    ids.dedup();
    assert_eq!(ids.len(), 1, "{ids:?}");
}

/// A move needs the state that the caller thinks of; what it does not name it keeps.
pub(crate) async fn moves_are_guarded(sessions: Sessions) {
    let now = now_ms();
    create(&sessions, intent("a", order(1), now)).await;
    let charged = IntentChange {
        provider_charge_id: Some("ch_1".into()),
        ..to("a", RequiresConfirmation, Processing, now)
    };
    let moved = Intent {
        status: Processing,
        provider_charge_id: Some("ch_1".into()),
        ..intent("a", order(1), now)
    };
    assert_eq!(
        change(&sessions, charged.clone()).await,
        IntentTransitionResult::Done(moved.clone())
    );
    assert_eq!(
        change(&sessions, charged).await,
        IntentTransitionResult::Refused(moved.clone())
    );
    assert_eq!(get(&sessions, "a", now).await, Some(moved.clone()));
    let declined = IntentChange {
        reason: Some("declined".into()),
        ..to("a", Processing, Failed, now)
    };
    let failed = Intent {
        status: Failed,
        reason: Some("declined".into()),
        ..moved
    };
    assert_eq!(
        change(&sessions, declined).await,
        IntentTransitionResult::Done(failed)
    );
    let nobody = to("nobody", RequiresConfirmation, Processing, now);
    assert_eq!(
        change(&sessions, nobody).await,
        IntentTransitionResult::NotFound
    );
}

/// Of many who want the same move, one makes it.
pub(crate) async fn racing_moves_have_one_winner(sessions: Sessions) {
    let now = now_ms();
    create(&sessions, intent("a", order(1), now)).await;
    let mut crowd = JoinSet::new();
    for _ in 0..CROWD {
        let sessions = sessions.clone();
        crowd.spawn(async move {
            let wanted = to("a", RequiresConfirmation, Processing, now);
            matches!(
                change(&sessions, wanted).await,
                IntentTransitionResult::Done(_)
            )
        });
    }
    let won = crowd.join_all().await;
    assert_eq!(won.iter().filter(|won| **won).count(), 1);
}

/// A webhook is remembered together with what it did, also when it could do nothing.
pub(crate) async fn a_webhook_counts_once(sessions: Sessions) {
    let now = now_ms();
    for id in ["a", "b"] {
        create(&sessions, intent(id, None, now)).await;
    }
    let hook = |id: &str, event: &str, from, to_status| IntentChange {
        webhook_event_id: Some(event.into()),
        ..to(id, from, to_status, now)
    };
    let first = change(&sessions, hook("a", "e1", RequiresConfirmation, Processing)).await;
    assert!(
        matches!(first, IntentTransitionResult::Done(_)),
        "{first:?}"
    );
    let again = change(&sessions, hook("a", "e1", Processing, Succeeded)).await;
    assert!(
        matches!(&again, IntentTransitionResult::Duplicate(now) if now.status == Processing),
        "{again:?}"
    );
    let refused = change(&sessions, hook("b", "e2", Processing, Succeeded)).await;
    assert!(
        matches!(refused, IntentTransitionResult::Refused(_)),
        "{refused:?}"
    );
    let again = change(&sessions, hook("b", "e2", RequiresConfirmation, Processing)).await;
    assert!(
        matches!(again, IntentTransitionResult::Duplicate(_)),
        "{again:?}"
    );
    let missing = change(&sessions, hook("none", "e3", Processing, Succeeded)).await;
    assert_eq!(missing, IntentTransitionResult::NotFound);
    let later = change(&sessions, hook("a", "e3", Processing, Succeeded)).await;
    assert!(
        matches!(later, IntentTransitionResult::Done(_)),
        "a webhook that found nothing is not remembered"
    );
}

/// An intent lapses while it waits for the shopper, and not once it is being charged.
pub(crate) async fn an_intent_lapses_unless_it_is_charged(sessions: Sessions) {
    let now = now_ms();
    let lapsed = now + ms(TTL);
    for id in ["waits", "charged"] {
        create(&sessions, intent(id, None, now)).await;
    }
    change(
        &sessions,
        to("charged", RequiresConfirmation, Processing, now),
    )
    .await;
    assert!(get(&sessions, "waits", lapsed - 1).await.is_some());
    assert_eq!(get(&sessions, "waits", lapsed).await, None);
    let late = to("waits", RequiresConfirmation, Processing, lapsed);
    assert_eq!(
        change(&sessions, late).await,
        IntentTransitionResult::NotFound
    );
    assert!(get(&sessions, "charged", lapsed).await.is_some());
}

/// Those whose charge began too long ago are listed, oldest first, and never swept away.
pub(crate) async fn intents_cut_off_while_charged_are_found(sessions: Sessions) {
    let now = now_ms();
    for (offset, id) in [
        (20, "second"),
        (10, "first"),
        (30, "third"),
        (40, "decided"),
    ] {
        create(&sessions, intent(id, None, now)).await;
        change(
            &sessions,
            to(id, RequiresConfirmation, Processing, now + offset),
        )
        .await;
    }
    create(&sessions, intent("waits", None, now)).await;
    change(&sessions, to("decided", Processing, Succeeded, now + 50)).await;
    let found = async |before, limit| {
        let found = sessions
            .intents
            .processing_since(before, limit)
            .await
            .expect("answers");
        found
            .into_iter()
            .map(|intent| intent.id)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        found(now + 30, 10).await,
        ["first", "second"],
        "the third is not before"
    );
    assert_eq!(found(now + 100, 2).await, ["first", "second"]);
    let days_later = now + 10 * INTENT_KEPT_MS;
    sessions
        .intents
        .sweep(days_later, 100)
        .await
        .expect("sweeps");
    assert_eq!(found(days_later, 10).await, ["first", "second", "third"]);
    change(
        &sessions,
        to("first", Processing, RequiresConfirmation, now + 60),
    )
    .await;
    assert_eq!(found(days_later, 10).await, ["second", "third"]);
}
