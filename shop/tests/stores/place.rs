//! Where stores are opened for one test, as often as it likes, and the orders that tests make.

use std::time::{Duration, Instant};

use shop::config::Config;
use shop::event::{Event, EventKind, EventTrace};
use shop::money::{Currency, Money};
use shop::order::{Order, PaymentMode, ProductId, guest_owner};
use shop::secret::Secret;
use shop::server::open_stores;
use shop::store::{
    ChargeRecord, Consumer, Created, Handling, Idempotency, NewItems, NewOrder, NewProduct,
    StoreError, StoreResult, Stores,
};
use tempfile::TempDir;
use test_servers::postgres::TestDatabase;
use uuid::Uuid;

/// How long a crowd may keep a store busy before the test fails.
const PATIENCE: Duration = Duration::from_secs(120);
const ASK_AGAIN: Duration = Duration::from_millis(20);

/// A data folder, and a fresh database where PostgreSQL is meant.
pub(crate) struct Place {
    folder: TempDir,
    pub(crate) database: Option<TestDatabase>,
}

impl Place {
    pub(crate) fn embedded() -> Self {
        Place {
            folder: tempfile::tempdir().unwrap(),
            database: None,
        }
    }

    pub(crate) fn postgres() -> Self {
        Place {
            database: Some(TestDatabase::fresh()),
            ..Place::embedded()
        }
    }

    pub(crate) fn config(&self) -> Config {
        let mut config = Config::new(self.folder.path()).with_free_ports();
        config.backends.database_url = self.database.as_ref().map(|it| Secret::new(it.url()));
        config.products = 60;
        config.password_cost.memory_kib = 64;
        config.password_cost.passes = 1;
        config
    }

    /// The stores as one process opens them.
    pub(crate) async fn open(&self) -> Stores {
        open_stores(&self.config()).await.unwrap()
    }
}

/// Asks until the store is not busy, as every caller of the shop does.
pub(crate) async fn patiently<T, F>(ask: impl Fn() -> F) -> T
where
    F: Future<Output = StoreResult<T>>,
{
    let deadline = Instant::now() + PATIENCE;
    loop {
        match ask().await {
            Err(StoreError::Busy(_)) if Instant::now() < deadline => {
                tokio::time::sleep(ASK_AGAIN).await;
            }
            outcome => return outcome.unwrap(),
        }
    }
}

/// A product at one dollar.
pub(crate) async fn product(stores: &Stores, stock: u32) -> ProductId {
    let new = NewProduct {
        name: "x".into(),
        description: String::new(),
        category: "general".into(),
        price: Money::new(100, Currency::Usd),
        stock,
    };
    stores.products.add(new).await.unwrap().id
}

/// An order of one product by a guest.
pub(crate) fn new_order(product: ProductId, quantity: u32) -> NewOrder {
    let id = Uuid::now_v7();
    NewOrder {
        id,
        owner: guest_owner(id),
        customer_id: None,
        email: None,
        shipping_address: None,
        cart_session_id: None,
        items: NewItems::Catalogue(vec![(product, quantity)]),
        currency: None,
        payment_mode: PaymentMode::Automatic,
        idempotency: None,
        correlation_id: "c".into(),
        trace: EventTrace::default(),
        now_ms: 1,
    }
}

pub(crate) fn key(key: &str, digest: &str) -> Option<Idempotency> {
    Some(Idempotency {
        scope: "guest".into(),
        key: key.into(),
        request_digest: digest.into(),
    })
}

pub(crate) async fn made(stores: &Stores, new: NewOrder) -> Order {
    match patiently(|| stores.orders.create(new.clone())).await {
        Created::New(order) => order,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn charge() -> ChargeRecord {
    ChargeRecord {
        provider_charge_id: "ch_1".into(),
        amount: Money::new(200, Currency::Usd),
    }
}

/// A new event in the hands of a consumer.
pub(crate) fn handling(order_id: Uuid, kind: EventKind, consumer: Consumer) -> Handling {
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
