//! What the pipeline's consumers rely on: an event takes effect once, whatever is repeated, and
//! money and stock add up at the end.

use proptest::prelude::*;
use shop::event::{Event, EventKind, EventTrace};
use shop::money::Money;
use shop::order::{Order, OrderStatus, PaymentMode, PaymentState, guest_owner};
use shop::store::{
    Applied, ChargeRecord, Consumer, Created, Handling, NewItems, NewOrder, NewProduct,
    StatusChange, Stores,
};
use uuid::Uuid;

use crate::support::config;

const STOCK: u32 = 3;

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

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Whatever arrives in whatever order: what is off the shelf is exactly what orders hold, stock
    /// is never negative, and every charge is kept for a live order or owed or given back.
    #[test]
    fn stock_and_money_add_up(steps in proptest::collection::vec(any_step(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(check(steps));
    }
}

async fn check(steps: Vec<Step>) {
    let folder = tempfile::tempdir().unwrap();
    let stores = Stores::open(&config(&folder)).await.unwrap();
    let product = stores.products.add(new_product()).await.unwrap().id;
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(order(&stores, product, 2).await.id);
    }
    for step in steps {
        apply(&stores, &ids, step).await;
    }
    let mut held = 0;
    for id in ids {
        let order = stores.orders.get(id).await.unwrap().unwrap();
        held += if order.stock_held { 2 } else { 0 };
        let charged = stores.pipeline.charge_of(id).await.unwrap().is_some();
        let live = matches!(order.status, OrderStatus::Paid | OrderStatus::Reserved);
        match order.payment {
            PaymentState::None => assert!(!charged && !live),
            PaymentState::Charged => assert!(charged && live),
            PaymentState::RefundDue | PaymentState::Refunded => assert!(charged && !live),
            PaymentState::External => panic!("nobody paid by other means"),
        }
    }
    let product = stores.products.get(product).await.unwrap().unwrap();
    assert_eq!(product.stock + held, STOCK);
    stores.close().await;
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

fn charge() -> ChargeRecord {
    ChargeRecord {
        provider_charge_id: "ch_1".into(),
        amount: Money::new(200, shop::money::Currency::Usd),
    }
}

fn handling(order_id: Uuid, kind: EventKind, consumer: Consumer) -> Handling {
    Handling {
        consumer,
        event: Event {
            event_id: Uuid::new_v4(),
            kind,
            order_id,
            correlation_id: "c".into(),
            trace: EventTrace::default(),
            occurred_at_ms: 1,
            payload: serde_json::Value::Null,
        },
        trace: EventTrace::default(),
        now_ms: 2,
    }
}

fn new_product() -> NewProduct {
    NewProduct {
        name: "x".into(),
        description: String::new(),
        category: "general".into(),
        price: Money::new(100, shop::money::Currency::Usd),
        stock: STOCK,
    }
}

async fn order(stores: &Stores, product: i64, quantity: u32) -> Order {
    order_at(stores, product, quantity, PaymentMode::Automatic, 1).await
}

async fn order_at(
    stores: &Stores,
    product: i64,
    quantity: u32,
    payment_mode: PaymentMode,
    now_ms: i64,
) -> Order {
    let id = Uuid::now_v7();
    let new = NewOrder {
        id,
        owner: guest_owner(id),
        customer_id: None,
        email: None,
        shipping_address: None,
        cart_session_id: None,
        items: NewItems::Catalogue(vec![(product, quantity)]),
        currency: None,
        payment_mode,
        idempotency: None,
        correlation_id: "c".into(),
        trace: EventTrace::default(),
        now_ms,
    };
    match stores.orders.create(new).await.unwrap() {
        Created::New(order) => order,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn every_effect_leaves_its_event_in_the_outbox_until_it_is_published() {
    let folder = tempfile::tempdir().unwrap();
    let stores = Stores::open(&config(&folder)).await.unwrap();
    let product = stores.products.add(new_product()).await.unwrap().id;
    let id = order(&stores, product, 1).await.id;
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
    stores.close().await;
}

#[tokio::test]
async fn orders_that_nobody_pays_expire_and_others_do_not() {
    let folder = tempfile::tempdir().unwrap();
    let stores = Stores::open(&config(&folder)).await.unwrap();
    let product = stores.products.add(new_product()).await.unwrap().id;
    let old = order_at(&stores, product, 1, PaymentMode::Intent, 100)
        .await
        .id;
    order_at(&stores, product, 1, PaymentMode::Intent, 900).await;
    order_at(&stores, product, 1, PaymentMode::Automatic, 100).await;
    let expired = stores.pipeline.expire_unpaid(500, 1_000, 10).await.unwrap();
    assert_eq!(expired, [old]);
    let order = stores.orders.get(old).await.unwrap().unwrap();
    assert_eq!(order.status, OrderStatus::Cancelled);
    assert!(
        stores
            .pipeline
            .expire_unpaid(500, 1_000, 10)
            .await
            .unwrap()
            .is_empty()
    );
    stores.close().await;
}
