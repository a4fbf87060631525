//! The promise of the whole pipeline as a property: whatever order and however often events are
//! delivered, orders, stock and money end the same.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use proptest::sample::Index;
use tempfile::TempDir;
use test_servers::postgres::TestDatabase;
use tokio::sync::watch;
use uuid::Uuid;

use super::consumer::{Handle, MessageOutcome};
use super::intents;
use super::inventory::Inventory;
use super::message::topic_of;
use super::notifications::Notifications;
use super::payments::Payments;
use super::role_context::RoleContext;
use crate::catalogue::Catalogue;
use crate::clock::now_ms;
use crate::config::Config;
use crate::context::Context;
use crate::event::{Event, EventTrace};
use crate::money::{Currency, Money};
use crate::order::{Order, OrderStatus, PaymentMode, ProductId, guest_owner};
use crate::provider::simulated::SimulatedProviders;
use crate::provider::{Charge, PaymentMethod};
use crate::queue::{Attributes, Received, Topic};
use crate::secret::Secret;
use crate::service::Service;
use crate::store::{
    Created, Intent, IntentStatus, NewItems, NewOrder, StatusChange, seed_products,
};

/// Deliveries of any event in between, before the rest is delivered.
const DELIVERIES_MAX: usize = 40;
const QUANTITY: u32 = 2;

/// A shop without HTTP whose messages the test carries by hand.
struct ByHand {
    context: Arc<Context>,
    payments: Payments,
    inventory: Inventory,
    notifications: Notifications,
    /// Every event that was ever published.
    events: Vec<Event>,
    delivered: HashSet<Uuid>,
    simulated: Option<Arc<SimulatedProviders>>,
    _stop: watch::Sender<bool>,
    _folder: TempDir,
}

impl ByHand {
    async fn new(database: Option<&TestDatabase>) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut config = Config::new(folder.path());
        config.backends.database_url = database.map(|database| Secret::new(database.url()));
        config.products = 10;
        config.pipeline.payment_latency = Duration::ZERO;
        config.password_cost.memory_kib = 64;
        let opened = crate::server::open(config, &Default::default())
            .await
            .expect("opens");
        let context = Arc::new(opened.context);
        let products = seed_products(&Catalogue::generate(1, 10));
        let seeded = context.stores.products.seed(products).await;
        assert_eq!(seeded.expect("seeds"), 10);
        let (stop, stopped) = watch::channel(false);
        let role = RoleContext::new(Arc::clone(&context), Service::Orders, stopped);
        let role = Arc::new(role);
        ByHand {
            payments: Payments::new(Arc::clone(&role)),
            inventory: Inventory::new(Arc::clone(&role)),
            notifications: Notifications::new(role),
            context,
            events: Vec::new(),
            delivered: HashSet::new(),
            simulated: opened.simulated,
            _stop: stop,
            _folder: folder,
        }
    }

    async fn order(&self, product_id: ProductId, payment_mode: PaymentMode) -> Order {
        let id = Uuid::now_v7();
        let created = self.context.stores.orders.create(NewOrder {
            id,
            owner: guest_owner(id),
            customer_id: None,
            email: None,
            shipping_address: None,
            cart_session_id: None,
            items: NewItems::Catalogue(vec![(product_id, QUANTITY)]),
            currency: None,
            payment_mode,
            idempotency: None,
            correlation_id: id.to_string(),
            trace: EventTrace::default(),
            now_ms: now_ms(),
        });
        match created.await.expect("the store answers") {
            Created::New(order) => order,
            other => panic!("{other:?}"),
        }
    }

    async fn cancel(&self, order: &Order) {
        let change = StatusChange {
            order_id: order.id,
            to: OrderStatus::Cancelled,
            reason: None,
            trace: EventTrace::default(),
            now_ms: now_ms(),
        };
        let moved = self.context.stores.orders.change_status(change).await;
        moved.expect("the store answers");
    }

    /// The shopper confirms a payment intent for the order.
    async fn confirm(&mut self, order: &Order) {
        let intent = Intent {
            id: format!("pi_{}", order.id),
            order_id: Some(order.id),
            owner: None,
            amount: Money::new(order.total.amount.minor(), Currency::Usd),
            status: IntentStatus::Processing,
            reason: None,
            provider_charge_id: None,
            created_at_ms: now_ms(),
            expires_at_ms: i64::MAX,
        };
        let charge = Charge {
            idempotency_key: intents::charge_key(&intent.id),
            amount_minor: order.total.amount.minor(),
            currency: "USD".into(),
            method: PaymentMethod::Token("pm_card_visa".into()),
            wanted_since_ms: now_ms(),
        };
        let resources = &self.context.resources;
        let charged = resources.payments.charge(charge).await.expect("charged");
        self.context
            .stores
            .intents
            .create(intent.clone())
            .await
            .expect("kept");
        intents::succeed(&self.context, &intent, &charged, None)
            .await
            .expect("decided");
        let sent = resources.queue.peek(Topic::Payments.queue(), 1).await;
        let sent = sent.expect("peeks");
        self.events
            .push(serde_json::from_str(&sent[0].body).expect("an event"));
    }

    /// Takes over what the last step published.
    async fn collect(&mut self) {
        let store = &self.context.stores.pipeline;
        let rows = store.unpublished(100).await.expect("reads");
        let seqs = rows.iter().map(|row| row.seq).collect();
        self.events.extend(rows.into_iter().map(|row| row.event));
        store.mark_published(seqs).await.expect("marks");
    }

    async fn deliver(&mut self, event: &Event) {
        self.delivered.insert(event.event_id);
        let handler: &dyn Handle = match topic_of(event.kind) {
            Some(Topic::Payments) => &self.payments,
            Some(Topic::Inventory) => &self.inventory,
            Some(Topic::Notifications) => &self.notifications,
            Some(Topic::Orders) | None => return,
        };
        let message = Received {
            id: "1".into(),
            receipt: "1.1".into(),
            body: serde_json::to_string(event).expect("serialises"),
            attributes: Attributes::new(),
            receive_count: 1,
            sent_at_ms: 0,
        };
        let outcome = handler.handle(&message).await;
        assert!(
            matches!(outcome, MessageOutcome::Done(_)),
            "{event:?}: {outcome:?}"
        );
        self.collect().await;
    }

    /// Delivers what was never delivered, newest first, until nothing new is published.
    async fn deliver_the_rest(&mut self) {
        while let Some(event) = self
            .events
            .iter()
            .rev()
            .find(|event| !self.delivered.contains(&event.event_id))
            .cloned()
        {
            self.deliver(&event).await;
        }
    }

    async fn end_of(&self, order: &Order) -> (OrderStatus, usize, i64) {
        let stores = &self.context.stores;
        let now = stores.orders.get(order.id).await.expect("reads");
        let product_id = order.lines[0].product_id.expect("a product");
        let product = stores.products.get(product_id).await.expect("reads");
        let simulated = self.simulated.as_ref().expect("simulated");
        let kept = simulated.booked_charges(100).await.expect("books");
        let kept = kept
            .iter()
            .filter(|charge| charge.idempotency_key.contains(&order.id.to_string()))
            .filter(|charge| !charge.refunded)
            .count();
        let stock = product.expect("exists").stock;
        (now.expect("exists").status, kept, i64::from(stock))
    }
}

async fn stock_of(shop: &ByHand, product_id: ProductId) -> i64 {
    let product = shop.context.stores.products.get(product_id).await;
    i64::from(product.expect("reads").expect("exists").stock)
}

async fn any_delivery_ends_the_same(
    choices: &[Index],
    cancel_after: usize,
    database: Option<&TestDatabase>,
) {
    let mut shop = ByHand::new(database).await;
    let before: Vec<i64> = {
        let mut before = Vec::new();
        for product_id in 1..=5 {
            before.push(stock_of(&shop, product_id).await);
        }
        before
    };
    let plain = shop.order(1, PaymentMode::Automatic).await;
    let sold_out = shop.order(2, PaymentMode::Automatic).await;
    let by_intent = shop.order(3, PaymentMode::Intent).await;
    let cancelled_first = shop.order(4, PaymentMode::Automatic).await;
    let cancelled_later = shop.order(5, PaymentMode::Automatic).await;
    let emptied = shop.context.stores.stock.set(2, 1).await;
    assert!(emptied.expect("the store answers"));
    shop.cancel(&cancelled_first).await;
    shop.confirm(&by_intent).await;
    shop.collect().await;
    for (step, choice) in choices.iter().enumerate() {
        if step == cancel_after {
            shop.cancel(&cancelled_later).await;
            shop.collect().await;
        }
        let event = choice.get(&shop.events).clone();
        shop.deliver(&event).await;
    }
    if cancel_after >= choices.len() {
        shop.cancel(&cancelled_later).await;
        shop.collect().await;
    }
    shop.deliver_the_rest().await;
    let sold = i64::from(QUANTITY);
    for (order, end) in [
        (&plain, (OrderStatus::Reserved, 1, before[0] - sold)),
        (&sold_out, (OrderStatus::Failed, 0, 1)),
        (&by_intent, (OrderStatus::Reserved, 1, before[2] - sold)),
        (&cancelled_first, (OrderStatus::Cancelled, 0, before[3])),
        (&cancelled_later, (OrderStatus::Cancelled, 0, before[4])),
    ] {
        assert_eq!(shop.end_of(order).await, end, "{order:?}");
    }
    let context = Arc::clone(&shop.context);
    drop(shop);
    context.resources.close().await;
    context.stores.close().await;
}

fn run(choices: &[Index], cancel_after: usize, database: Option<&TestDatabase>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(any_delivery_ends_the_same(choices, cancel_after, database));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Any duplication and order of any event delivery, and a cancellation at any moment, give the
    /// same orders, the same stock and the same money.
    #[test]
    fn disorder_and_repetition_change_nothing(
        choices in proptest::collection::vec(any::<Index>(), 0..DELIVERIES_MAX),
        cancel_after in 0..DELIVERIES_MAX,
    ) {
        run(&choices, cancel_after, None);
    }
}

proptest! {
    // Each case has a database of its own.
    #![proptest_config(ProptestConfig::with_cases(8))]

    /// The same on PostgreSQL.
    #[test]
    fn disorder_and_repetition_change_nothing_in_postgresql(
        choices in proptest::collection::vec(any::<Index>(), 0..DELIVERIES_MAX),
        cancel_after in 0..DELIVERIES_MAX,
    ) {
        run(&choices, cancel_after, Some(&TestDatabase::fresh()));
    }
}
