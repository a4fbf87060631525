//! What carts and payment intents must do wherever they are kept, written against the traits alone. Each
//! implementation runs all of it.

use std::time::Duration;

pub(crate) mod carts;
pub(crate) mod intents;

const TTL: Duration = Duration::from_secs(600);
/// Callers at once where callers race.
const CROWD: u32 = 50;

fn ms(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).expect("a short time")
}

/// Runs every case on fresh stores: `session_contract!(async { (guard, sessions) })`.
macro_rules! session_contract {
    ($fresh:path) => {
        session_contract!(@ $fresh:
            carts::a_cart_keeps_what_was_put_in
            carts::a_cart_has_limits
            carts::quantities_of_a_cart_can_be_set
            carts::a_cart_lapses
            carts::a_cart_can_be_cleared
            carts::racing_changes_to_a_cart_all_count
            intents::an_intent_is_kept_as_it_is
            intents::an_order_has_one_live_intent
            intents::racing_creations_make_one_intent
            intents::moves_are_guarded
            intents::racing_moves_have_one_winner
            intents::a_webhook_counts_once
            intents::an_intent_lapses_unless_it_is_charged
            intents::intents_cut_off_while_charged_are_found
        );
    };
    (@ $fresh:path: $($part:ident::$case:ident)*) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $case() {
            let (_guard, sessions) = $fresh().await;
            let close = sessions.closer.clone();
            crate::store::session_contract::$part::$case(sessions).await;
            close().await;
        })*
    };
}
pub(crate) use session_contract;
