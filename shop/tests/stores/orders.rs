//! Orders as people see them: made once, listed, moved along the state machine and no other way.

use shop::event::EventTrace;
use shop::money::{Amount, Currency, Money};
use shop::order::{OrderLine, OrderStatus, PaymentMode, PaymentState};
use shop::store::{
    Created, NewItems, NewProduct, OrderDetails, StatusChange, Stores, TransitionResult,
};
use uuid::Uuid;

use crate::place::{Place, key, made, new_order, patiently, product};

on_every_store! {
    two_hundred_orders_under_one_key_make_one_order,
    a_key_makes_one_order_for_one_request,
    what_cannot_be_ordered_is_refused_and_leaves_nothing,
    an_order_is_kept_as_it_was_made,
    pages_of_orders_have_no_gap_and_no_overlap,
    orders_move_along_the_state_machine_and_no_other_way,
}

/// Over two instances, as two processes would.
async fn two_hundred_orders_under_one_key_make_one_order(place: &Place) {
    let instances = [place.open().await, place.open().await];
    let product = product(&instances[0], 1_000).await;
    let requests = (0..200).map(|number| {
        let orders = instances[number % 2].orders.clone();
        let mut new = new_order(product, 1);
        new.owner = "ann".into();
        new.idempotency = key("k", "digest");
        tokio::spawn(async move { patiently(|| orders.create(new.clone())).await })
    });
    let (mut fresh, mut replayed) = (Vec::new(), Vec::new());
    for request in requests.collect::<Vec<_>>() {
        match request.await.unwrap() {
            Created::New(order) => fresh.push(order),
            Created::Replayed(order) => replayed.push(order),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((fresh.len(), replayed.len()), (1, 199));
    assert!(replayed.iter().all(|order| *order == fresh[0]));
    let listed = instances[1]
        .orders
        .list("ann".into(), None, 10)
        .await
        .unwrap();
    assert_eq!(listed.items, fresh);
    assert_eq!(instances[0].ledger.outbox_len().await.unwrap(), 1);
    for stores in instances {
        stores.close().await;
    }
}

async fn a_key_makes_one_order_for_one_request(place: &Place) {
    let stores = place.open().await;
    let product = product(&stores, 1).await;
    let keyed = |digest| {
        let mut new = new_order(product, 1);
        new.idempotency = key("k", digest);
        new
    };
    let first = made(&stores, keyed("a")).await;
    // Also when it could not be made any more.
    stores.stock.set(product, 0).await.unwrap();
    match stores.orders.create(keyed("a")).await.unwrap() {
        Created::Replayed(order) => assert_eq!(order, first),
        other => panic!("{other:?}"),
    }
    let other = stores.orders.create(keyed("b")).await.unwrap();
    assert!(matches!(other, Created::KeyReused));
    let mut stranger = keyed("b");
    stranger.idempotency.as_mut().unwrap().scope = "bob".into();
    let refused = stores.orders.create(stranger).await.unwrap();
    assert!(matches!(refused, Created::OutOfStock(ids) if ids == [product]));
    stores.close().await;
}

async fn what_cannot_be_ordered_is_refused_and_leaves_nothing(place: &Place) {
    let stores = place.open().await;
    let dollars = product(&stores, 5).await;
    let euros = stores
        .products
        .add(expensive(Currency::Eur))
        .await
        .unwrap()
        .id;
    let costly = stores
        .products
        .add(expensive(Currency::Usd))
        .await
        .unwrap()
        .id;
    let with = |items| {
        let mut new = new_order(dollars, 1);
        new.items = NewItems::Catalogue(items);
        new.idempotency = key("k", "digest");
        new
    };
    let refused = stores
        .orders
        .create(with(vec![(dollars, 1), (777, 1), (888, 1)]))
        .await
        .unwrap();
    assert!(matches!(refused, Created::UnknownProducts(ids) if ids == [777, 888]));
    let refused = stores
        .orders
        .create(with(vec![(dollars, 6)]))
        .await
        .unwrap();
    assert!(matches!(refused, Created::OutOfStock(ids) if ids == [dollars]));
    let refused = stores
        .orders
        .create(with(vec![(dollars, 1), (euros, 1)]))
        .await
        .unwrap();
    assert!(matches!(refused, Created::CurrencyMismatch(Currency::Eur)));
    let refused = stores.orders.create(with(vec![(costly, 2)])).await.unwrap();
    assert!(matches!(refused, Created::TotalTooLarge));
    assert!(
        stores
            .ledger
            .entries(None, 10)
            .await
            .unwrap()
            .items
            .is_empty()
    );
    assert_eq!(stores.ledger.outbox_len().await.unwrap(), 0);
    // The key is still free.
    made(&stores, with(vec![(dollars, 5)])).await;
    stores.close().await;
}

fn expensive(currency: Currency) -> NewProduct {
    NewProduct {
        name: "yacht".into(),
        description: String::new(),
        category: "general".into(),
        price: Money::new(shop::money::MAX_MINOR, currency),
        stock: 10,
    }
}

async fn an_order_is_kept_as_it_was_made(place: &Place) {
    let stores = place.open().await;
    let mut plain = new_order(1, 1);
    plain.customer_id = Some("123".into());
    plain.email = Some("ann@example.com".into());
    plain.shipping_address = Some("1 \"Main\" Street\n\u{1f3e0}".into());
    plain.cart_session_id = Some("cart".into());
    plain.payment_mode = PaymentMode::Intent;
    let line = |name: &str| OrderLine {
        product_id: None,
        name: name.into(),
        quantity: 2,
        unit_price: Amount::ZERO,
    };
    plain.items = NewItems::Plain(
        vec![line("item \\ 'two'"), line("b")],
        Money::new(9_999, Currency::Gbp),
    );
    let order = made(&stores, plain.clone()).await;
    assert_eq!(
        stores.orders.get(order.id).await.unwrap().as_ref(),
        Some(&order)
    );
    assert_eq!(
        (order.owner.as_str(), order.total),
        (plain.owner.as_str(), Money::new(9_999, Currency::Gbp))
    );
    assert_eq!(
        (order.lines[0].name.as_str(), order.lines[1].name.as_str()),
        ("item \\ 'two'", "b")
    );
    assert_eq!(
        (order.status, order.payment),
        (OrderStatus::Pending, PaymentState::None)
    );
    assert!(stores.orders.get(Uuid::new_v4()).await.unwrap().is_none());

    let details = OrderDetails {
        email: Some("bob@example.com".into()),
        shipping_address: None,
    };
    let TransitionResult::Done(changed) = stores
        .orders
        .change_details(order.id, details.clone(), 9)
        .await
        .unwrap()
    else {
        panic!("a pending order can be changed");
    };
    assert_eq!(changed.email.as_deref(), Some("bob@example.com"));
    assert_eq!(
        (&changed.shipping_address, changed.updated_at_ms),
        (&order.shipping_address, 9)
    );
    assert_eq!(stores.orders.get(order.id).await.unwrap(), Some(changed));
    shift(&stores, order.id, OrderStatus::Cancelled).await;
    let late = stores
        .orders
        .change_details(order.id, details.clone(), 10)
        .await
        .unwrap();
    assert!(matches!(
        late,
        TransitionResult::Illegal(OrderStatus::Cancelled)
    ));
    let nowhere = stores
        .orders
        .change_details(Uuid::new_v4(), details, 10)
        .await
        .unwrap();
    assert!(matches!(nowhere, TransitionResult::NotFound));
    stores.close().await;
}

async fn pages_of_orders_have_no_gap_and_no_overlap(place: &Place) {
    let stores = place.open().await;
    let product = product(&stores, 1_000).await;
    let mut expected = Vec::new();
    for number in 0..25 {
        let mut new = new_order(product, 1);
        // Several in one millisecond, and somebody else's in between.
        new.owner = if number % 5 == 4 {
            "bob".into()
        } else {
            "ann".into()
        };
        new.now_ms = 1_000 + number / 4;
        let order = made(&stores, new).await;
        if order.owner == "ann" {
            expected.push((order.created_at_ms, order.id));
        }
    }
    expected.sort_unstable_by(|a, b| b.cmp(a));
    let mut seen = Vec::new();
    let mut before = None;
    loop {
        let page = stores.orders.list("ann".into(), before, 3).await.unwrap();
        assert!(page.items.len() <= 3);
        assert!(page.items.iter().all(|order| order.lines.len() == 1));
        seen.extend(
            page.items
                .iter()
                .map(|order| (order.created_at_ms, order.id)),
        );
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    assert_eq!(seen, expected);
    let mut audited = Vec::new();
    let mut after = None;
    loop {
        let page = stores.ledger.entries(after, 10).await.unwrap();
        audited.extend(page.items.iter().map(|entry| entry.order.id));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(audited.len(), 25);
    assert!(audited.is_sorted());
    stores.close().await;
}

/// Every move from every status that can be reached.
async fn orders_move_along_the_state_machine_and_no_other_way(place: &Place) {
    use OrderStatus::{Cancelled, Delivered, Failed, Paid, Pending, Reserved, Shipped};
    let stores = place.open().await;
    let product = product(&stores, 1_000).await;
    for way in [
        &[][..],
        &[Paid],
        &[Paid, Reserved],
        &[Paid, Reserved, Shipped],
        &[Paid, Reserved, Shipped, Delivered],
        &[Cancelled],
        &[Failed],
    ] {
        for to in OrderStatus::ALL {
            let id = made(&stores, new_order(product, 1)).await.id;
            for step in way {
                shift(&stores, id, *step).await;
            }
            let from = way.last().copied().unwrap_or(Pending);
            let before = stores.orders.get(id).await.unwrap().unwrap();
            let moved = stores.orders.change_status(change(id, to)).await.unwrap();
            let after = stores.orders.get(id).await.unwrap().unwrap();
            match moved {
                TransitionResult::Done(order) => {
                    assert!(from.may_become(to));
                    assert_eq!(order, after);
                    assert_eq!(after.status, to);
                }
                TransitionResult::Illegal(status) => {
                    assert!(!from.may_become(to));
                    assert_eq!((status, after), (from, before));
                }
                other => panic!("{other:?}"),
            }
        }
    }
    let nowhere = stores
        .orders
        .change_status(change(Uuid::new_v4(), Paid))
        .await
        .unwrap();
    assert!(matches!(nowhere, TransitionResult::NotFound));

    let id = made(&stores, new_order(product, 5)).await.id;
    shift(&stores, id, Paid).await;
    stores.stock.set(product, 4).await.unwrap();
    let short = stores
        .orders
        .change_status(change(id, Reserved))
        .await
        .unwrap();
    assert!(matches!(short, TransitionResult::OutOfStock(ids) if ids == [product]));
    let order = stores.orders.get(id).await.unwrap().unwrap();
    assert_eq!(
        (order.status, order.payment, order.stock_held),
        (Paid, PaymentState::External, false)
    );
    stores.close().await;
}

fn change(order_id: Uuid, to: OrderStatus) -> StatusChange {
    StatusChange {
        order_id,
        to,
        reason: Some("because".into()),
        trace: EventTrace::default(),
        now_ms: 2,
    }
}

async fn shift(stores: &Stores, id: Uuid, to: OrderStatus) {
    let moved = stores.orders.change_status(change(id, to)).await.unwrap();
    assert!(matches!(moved, TransitionResult::Done(_)), "{moved:?}");
}
