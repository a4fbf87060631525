//! Carts.

use tokio::task::JoinSet;

use super::{CROWD, TTL, ms};
use crate::clock::now_ms;
use crate::money::Currency;
use crate::store::*;

fn item(product_id: i64, quantity: u32) -> CartItem {
    CartItem {
        product_id,
        name: format!("Product \"{product_id}\" – ä"),
        unit_price_minor: 1_999,
        currency: Currency::default(),
        quantity,
    }
}

fn done(change: CartChange) -> Cart {
    match change {
        CartChange::Done(cart) => cart,
        other => panic!("{other:?}"),
    }
}

async fn add(sessions: &Sessions, session: &str, item: CartItem, now: i64) -> CartChange {
    let added = sessions.carts.add(session.to_owned(), item, now, TTL).await;
    added.expect("the store answers")
}

async fn cart(sessions: &Sessions, session: &str, now: i64) -> Option<Cart> {
    let cart = sessions.carts.get(session.to_owned(), now).await;
    cart.expect("the store answers")
}

/// The same product is added up, another is put beside it, in order; each change renews the life.
pub(crate) async fn a_cart_keeps_what_was_put_in(sessions: Sessions) {
    let now = now_ms();
    assert_eq!(cart(&sessions, "s", now).await, None);
    add(&sessions, "s", item(1, 2), now).await;
    add(&sessions, "s", item(2, 1), now + 10).await;
    let last = done(add(&sessions, "s", item(1, 3), now + 20).await);
    assert_eq!(last.items, [item(1, 5), item(2, 1)]);
    assert_eq!(last.expires_at_ms, now + 20 + ms(TTL));
    assert_eq!(cart(&sessions, "s", now + 30).await, Some(last));
    assert_eq!(cart(&sessions, "another", now).await, None);
}

/// Pieces, different items and currencies have their limits; what is refused changes nothing.
pub(crate) async fn a_cart_has_limits(sessions: Sessions) {
    let now = now_ms();
    add(&sessions, "s", item(1, CART_QUANTITY_MAX), now).await;
    let refused = add(&sessions, "s", item(1, 1), now).await;
    assert_eq!(refused, CartChange::TooMany);
    let foreign = CartItem {
        currency: "EUR".parse().expect("a currency"),
        ..item(2, 1)
    };
    assert_ne!(foreign.currency, Currency::default());
    let refused = add(&sessions, "s", foreign, now).await;
    assert_eq!(refused, CartChange::CurrencyMismatch(Currency::default()));
    for id in 2..=i64::try_from(CART_ITEMS_MAX).expect("a small number") {
        done(add(&sessions, "s", item(id, 1), now).await);
    }
    assert_eq!(
        add(&sessions, "s", item(1_000, 1), now).await,
        CartChange::Full
    );
    let kept = cart(&sessions, "s", now).await.expect("a cart");
    assert_eq!(kept.items.len(), CART_ITEMS_MAX);
    assert_eq!(kept.items[0].quantity, CART_QUANTITY_MAX);
}

/// Quantities change, zero takes out, and neither makes a cart or an item.
pub(crate) async fn quantities_of_a_cart_can_be_set(sessions: Sessions) {
    let now = now_ms();
    let set = async |id, quantity| {
        let set = sessions
            .carts
            .set_quantity("s".into(), id, quantity, now, TTL);
        set.await.expect("the store answers")
    };
    assert_eq!(set(1, 5).await, CartChange::NoSuchCart);
    add(&sessions, "s", item(1, 2), now).await;
    add(&sessions, "s", item(2, 2), now).await;
    assert_eq!(set(3, 5).await, CartChange::NoSuchItem);
    assert_eq!(done(set(1, 7).await).items, [item(1, 7), item(2, 2)]);
    assert_eq!(done(set(1, 0).await).items, [item(2, 2)]);
    assert_eq!(done(set(2, 0).await).items, []);
    assert!(
        cart(&sessions, "s", now).await.is_some(),
        "empty, but there"
    );
}

/// A lapsed cart is absent at once, for every call; the sweep spares the living.
pub(crate) async fn a_cart_lapses(sessions: Sessions) {
    let now = now_ms();
    let later = now + ms(TTL);
    add(&sessions, "s", item(1, 2), now).await;
    add(&sessions, "young", item(1, 2), now + 1).await;
    assert!(cart(&sessions, "s", later - 1).await.is_some());
    assert_eq!(cart(&sessions, "s", later).await, None);
    let set = sessions
        .carts
        .set_quantity("s".into(), 1, 5, later, TTL)
        .await;
    assert_eq!(set.expect("answers"), CartChange::NoSuchCart);
    assert!(
        !sessions
            .carts
            .clear("s".into(), later)
            .await
            .expect("answers")
    );
    sessions.carts.sweep(later, 100).await.expect("sweeps");
    assert_eq!(cart(&sessions, "s", later).await, None);
    assert!(cart(&sessions, "young", later).await.is_some());
    let fresh = done(add(&sessions, "s", item(2, 1), later).await);
    assert_eq!(fresh.items, [item(2, 1)], "nothing of the lapsed cart");
}

/// Clearing says whether there was something.
pub(crate) async fn a_cart_can_be_cleared(sessions: Sessions) {
    let now = now_ms();
    add(&sessions, "s", item(1, 2), now).await;
    assert!(
        sessions
            .carts
            .clear("s".into(), now)
            .await
            .expect("answers")
    );
    assert!(
        !sessions
            .carts
            .clear("s".into(), now)
            .await
            .expect("answers")
    );
    assert_eq!(cart(&sessions, "s", now).await, None);
}

/// Changes to one cart at the same time are all made.
pub(crate) async fn racing_changes_to_a_cart_all_count(sessions: Sessions) {
    let now = now_ms();
    let mut crowd = JoinSet::new();
    for caller in 0..CROWD {
        let sessions = sessions.clone();
        crowd.spawn(async move {
            done(add(&sessions, "s", item(1 + i64::from(caller % 2), 1), now).await)
        });
    }
    crowd.join_all().await;
    let cart = cart(&sessions, "s", now).await.expect("a cart");
    let mut pieces: Vec<_> = cart
        .items
        .iter()
        .map(|i| (i.product_id, i.quantity))
        .collect();
    pieces.sort_unstable();
    assert_eq!(pieces, [(1, CROWD / 2), (2, CROWD / 2)]);
}
