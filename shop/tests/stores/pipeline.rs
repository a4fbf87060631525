//! What the pipeline's consumers rely on: an event takes effect once, whatever is repeated, and
//! money and stock add up at the end.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use shop::event::{EventKind, EventTrace};
use shop::order::{OrderStatus, PaymentMode, PaymentState};
use shop::store::{Applied, Consumer, StatusChange, Stores};
use uuid::Uuid;

use crate::place::{Place, charge, handling, made, new_order, patiently, product};

on_every_store! {
    stock_and_money_add_up,
    an_event_takes_effect_once_however_many_handle_it_at_once,
    of_five_hundred_buyers_of_a_hundred_pieces_a_hundred_get_one,
    orders_of_many_products_do_not_wait_for_each_other_for_ever,
    every_effect_leaves_its_event_in_the_outbox_until_it_is_published,
    orders_that_nobody_pays_expire_and_others_do_not,
    handled_events_are_forgotten_by_age,
}

const STOCK: u32 = 3;
/// Sequences of steps that the property is tried with.
const CASES: usize = 24;
const STEPS_MAX: usize = 40;
const BUYERS: usize = 500;

#[derive(Clone, Debug)]
enum Step {
    Charge { order: usize, repeat: bool },
    Decline { order: usize },
    Reserve { order: usize },
    Cancel { order: usize },
    Release { order: usize },
    Refund { order: usize },
}

fn any_step() -> impl Strategy<Value = Step> {
    let order = 0..3_usize;
    prop_oneof![
        (order.clone(), any::<bool>()).prop_map(|(order, repeat)| Step::Charge { order, repeat }),
        order.clone().prop_map(|order| Step::Decline { order }),
        order.clone().prop_map(|order| Step::Reserve { order }),
        order.clone().prop_map(|order| Step::Cancel { order }),
        order.clone().prop_map(|order| Step::Release { order }),
        order.prop_map(|order| Step::Refund { order }),
    ]
}

/// Whatever arrives in whatever order: what is off the shelf is exactly what orders hold, stock
/// is never negative, and every charge is kept for a live order or owed or given back.
async fn stock_and_money_add_up(place: &Place) {
    let stores = place.open().await;
    let sequences = proptest::collection::vec(any_step(), 1..STEPS_MAX);
    let mut runner = TestRunner::deterministic();
    for _ in 0..CASES {
        let steps = sequences.new_tree(&mut runner).unwrap().current();
        check(&stores, steps).await;
    }
    stores.close().await;
}

async fn check(stores: &Stores, steps: Vec<Step>) {
    let product = product(stores, STOCK).await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(made(stores, new_order(product, 2)).await.id);
    }
    let told = format!("{steps:?}");
    for step in steps {
        apply(stores, &ids, step).await;
    }
    let mut held = 0;
    for id in ids {
        let order = stores.orders.get(id).await.unwrap().unwrap();
        held += if order.stock_held { 2 } else { 0 };
        let charged = stores.pipeline.charge_of(id).await.unwrap().is_some();
        let live = matches!(order.status, OrderStatus::Paid | OrderStatus::Reserved);
        let adds_up = match order.payment {
            PaymentState::None => !charged && !live,
            PaymentState::Charged => charged && live,
            PaymentState::RefundDue | PaymentState::Refunded => charged && !live,
            PaymentState::External => false,
        };
        assert!(adds_up, "{order:?} after {told}");
    }
    let product = stores.products.get(product).await.unwrap().unwrap();
    assert_eq!(product.stock + held, STOCK, "{told}");
}

async fn apply(stores: &Stores, ids: &[Uuid], step: Step) {
    let pipeline = &stores.pipeline;
    match step {
        Step::Charge { order, repeat } => {
            let handling = handling(ids[order], EventKind::OrderCreated, Consumer::Payments);
            let first = pipeline
                .payment_succeeded(handling.clone(), charge())
                .await
                .unwrap();
            assert!(matches!(first, Applied::Done(_) | Applied::Obsolete(_)));
            if repeat {
                let second = pipeline
                    .payment_succeeded(handling, charge())
                    .await
                    .unwrap();
                assert!(matches!(second, Applied::Duplicate));
            }
        }
        Step::Decline { order } => {
            let handling = handling(ids[order], EventKind::OrderCreated, Consumer::Payments);
            pipeline
                .payment_failed(handling, "declined".into())
                .await
                .unwrap();
        }
        Step::Reserve { order } => {
            let handling = handling(ids[order], EventKind::PaymentProcessed, Consumer::Inventory);
            pipeline.reserve_stock(handling).await.unwrap();
        }
        Step::Release { order } => {
            let handling = handling(ids[order], EventKind::OrderCancelled, Consumer::Inventory);
            pipeline.release_stock(handling).await.unwrap();
        }
        Step::Refund { order } => {
            let handling = handling(ids[order], EventKind::RefundRequested, Consumer::Payments);
            pipeline
                .refund_succeeded(handling, "re_1".into())
                .await
                .unwrap();
        }
        Step::Cancel { order } => {
            let change = StatusChange {
                order_id: ids[order],
                to: OrderStatus::Cancelled,
                reason: None,
                trace: EventTrace::default(),
                now_ms: 2,
            };
            stores.orders.change_status(change).await.unwrap();
        }
    }
}

/// Two instances and twenty deliveries at once: one of them has the effect.
async fn an_event_takes_effect_once_however_many_handle_it_at_once(place: &Place) {
    let instances = [place.open().await, place.open().await];
    let product = product(&instances[0], 10).await;
    let id = made(&instances[0], new_order(product, 1)).await.id;
    let handling = handling(id, EventKind::OrderCreated, Consumer::Payments);
    let deliveries = (0..20).map(|number| {
        let pipeline = instances[number % 2].pipeline.clone();
        let handling = handling.clone();
        tokio::spawn(async move {
            pipeline
                .payment_succeeded(handling, charge())
                .await
                .unwrap()
        })
    });
    let mut done = 0;
    for delivery in deliveries.collect::<Vec<_>>() {
        match delivery.await.unwrap() {
            Applied::Done(_) => done += 1,
            Applied::Duplicate => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(done, 1);
    let handled = instances[1]
        .pipeline
        .was_handled(Consumer::Payments, handling.event.event_id);
    assert!(handled.await.unwrap());
    let other = instances[1]
        .pipeline
        .was_handled(Consumer::Inventory, handling.event.event_id);
    assert!(!other.await.unwrap());
    assert_eq!(instances[0].ledger.outbox_len().await.unwrap(), 2);
    close(instances).await;
}

async fn of_five_hundred_buyers_of_a_hundred_pieces_a_hundred_get_one(place: &Place) {
    let instances = [place.open().await, place.open().await];
    let product = product(&instances[0], 100).await;
    // All of them have ordered before the first piece leaves the shelf.
    let orders = (0..BUYERS).map(|number| made(&instances[number % 2], new_order(product, 1)));
    let orders = futures_util::future::join_all(orders).await;
    let buyers = orders.iter().enumerate().map(|(number, order)| {
        let (pipeline, id) = (instances[number % 2].pipeline.clone(), order.id);
        tokio::spawn(async move {
            let paid = handling(id, EventKind::OrderCreated, Consumer::Payments);
            patiently(|| pipeline.payment_succeeded(paid.clone(), charge())).await;
            let wanted = handling(id, EventKind::PaymentProcessed, Consumer::Inventory);
            patiently(|| pipeline.reserve_stock(wanted.clone())).await;
        })
    });
    for buyer in buyers.collect::<Vec<_>>() {
        buyer.await.unwrap();
    }
    let mut sold = 0;
    for order in orders {
        let order = instances[0].orders.get(order.id).await.unwrap().unwrap();
        match (order.status, order.payment) {
            (OrderStatus::Reserved, PaymentState::Charged) => sold += 1,
            (OrderStatus::Failed, PaymentState::RefundDue) => {}
            _ => panic!("{order:?}"),
        }
    }
    assert_eq!(sold, 100);
    let stock = instances[0]
        .products
        .get(product)
        .await
        .unwrap()
        .unwrap()
        .stock;
    assert_eq!(stock, 0);
    let books = instances[1].ledger.stock(product - 1, 1).await.unwrap();
    assert_eq!((books.items[0].on_shelf, books.items[0].sold), (0, 100));
    close(instances).await;
}

/// Orders name the same products in opposite orders, and half of them go back.
async fn orders_of_many_products_do_not_wait_for_each_other_for_ever(place: &Place) {
    let instances = [place.open().await, place.open().await];
    let mut products = Vec::new();
    for _ in 0..4 {
        products.push(product(&instances[0], 1_000).await);
    }
    let orders = (0..60).map(|number| {
        let stores = instances[number % 2].clone();
        let mut items: Vec<_> = products.iter().map(|id| (*id, 1)).collect();
        if number % 3 == 0 {
            items.reverse();
        }
        tokio::spawn(async move { reserve_and_maybe_cancel(&stores, items, number % 2 == 0).await })
    });
    for order in orders.collect::<Vec<_>>() {
        order.await.unwrap();
    }
    for id in products {
        let stock = instances[0].products.get(id).await.unwrap().unwrap().stock;
        assert_eq!(stock, 970);
    }
    close(instances).await;
}

async fn reserve_and_maybe_cancel(stores: &Stores, items: Vec<(i64, u32)>, cancel: bool) {
    let mut new = new_order(items[0].0, 1);
    new.items = shop::store::NewItems::Catalogue(items);
    let id = [made(stores, new).await.id];
    apply(
        stores,
        &id,
        Step::Charge {
            order: 0,
            repeat: false,
        },
    )
    .await;
    apply(stores, &id, Step::Reserve { order: 0 }).await;
    if cancel {
        apply(stores, &id, Step::Cancel { order: 0 }).await;
        apply(stores, &id, Step::Release { order: 0 }).await;
    }
}

async fn every_effect_leaves_its_event_in_the_outbox_until_it_is_published(place: &Place) {
    let stores = place.open().await;
    let product = product(&stores, STOCK).await;
    let id = made(&stores, new_order(product, 1)).await.id;
    for step in [
        Step::Charge {
            order: 0,
            repeat: true,
        },
        Step::Reserve { order: 0 },
        Step::Cancel { order: 0 },
    ] {
        apply(&stores, &[id], step).await;
    }
    let rows = stores.pipeline.unpublished(10).await.unwrap();
    let kinds: Vec<EventKind> = rows.iter().map(|row| row.event.kind).collect();
    let expected = [
        EventKind::OrderCreated,
        EventKind::PaymentProcessed,
        EventKind::InventoryReserved,
        EventKind::RefundRequested,
        EventKind::OrderCancelled,
    ];
    assert_eq!(kinds, expected);
    let first_two = rows.iter().take(2).map(|row| row.seq).collect();
    stores.pipeline.mark_published(first_two).await.unwrap();
    assert_eq!(stores.pipeline.unpublished(10).await.unwrap().len(), 3);
    // What one process leaves behind, another one finds.
    stores.close().await;
    let next = place.open().await;
    assert_eq!(next.pipeline.unpublished(10).await.unwrap().len(), 3);
    next.close().await;
}

async fn orders_that_nobody_pays_expire_and_others_do_not(place: &Place) {
    let stores = place.open().await;
    let product = product(&stores, STOCK).await;
    let waiting = |payment_mode, now_ms| {
        let mut new = new_order(product, 1);
        (new.payment_mode, new.now_ms) = (payment_mode, now_ms);
        new
    };
    let old = made(&stores, waiting(PaymentMode::Intent, 100)).await.id;
    made(&stores, waiting(PaymentMode::Intent, 900)).await;
    made(&stores, waiting(PaymentMode::Automatic, 100)).await;
    let expired = stores.pipeline.expire_unpaid(500, 1_000, 10).await.unwrap();
    assert_eq!(expired, [old]);
    let order = stores.orders.get(old).await.unwrap().unwrap();
    assert_eq!(order.status, OrderStatus::Cancelled);
    assert_eq!(order.reason.as_deref(), Some("payment_expired"));
    let again = stores.pipeline.expire_unpaid(500, 1_000, 10).await.unwrap();
    assert!(again.is_empty());
    stores.close().await;
}

async fn handled_events_are_forgotten_by_age(place: &Place) {
    let stores = place.open().await;
    let product = product(&stores, STOCK).await;
    let id = made(&stores, new_order(product, 1)).await.id;
    for now_ms in 1..=5 {
        let mut noted = handling(id, EventKind::OrderCreated, Consumer::Notifications);
        noted.now_ms = now_ms;
        let applied = stores.pipeline.acknowledge(noted).await.unwrap();
        assert!(matches!(applied, Applied::Done(_)));
    }
    let nowhere = handling(
        Uuid::new_v4(),
        EventKind::OrderCreated,
        Consumer::Notifications,
    );
    let applied = stores.pipeline.acknowledge(nowhere).await.unwrap();
    assert!(matches!(applied, Applied::NoSuchOrder));
    assert_eq!(stores.pipeline.forget_handled(4, 2).await.unwrap(), 2);
    assert_eq!(stores.pipeline.forget_handled(4, 2).await.unwrap(), 1);
    assert_eq!(stores.pipeline.forget_handled(4, 2).await.unwrap(), 0);
    stores.close().await;
}

async fn close(instances: [Stores; 2]) {
    for stores in instances {
        stores.close().await;
    }
}
