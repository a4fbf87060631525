//! Every operation is cut at every point where it waits, and left by its caller at every point: afterwards what the
//! store acknowledges is committed, on the one connection that there is.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use futures_util::future::BoxFuture;
use sqlx::{Connection as _, PgConnection};
use test_servers::postgres::TestDatabase;

use super::*;
use crate::clock::now_ms;
use crate::event::{Event, EventKind, EventTrace};
use crate::money::{Currency, Money};
use crate::order::{OrderStatus, PaymentMode, ProductId, guest_owner};
use crate::store::{
    ChargeRecord, Consumer, Created, Handling, Idempotency, LedgerStore as _, NewItems, NewOrder,
    NewProduct, OrderDetails, OrderStore, PipelineStore as _, ProductStore, Role, StatusChange,
    StockStore, User, UserStore,
};

/// More waits than any operation has: one that needs more never came to its end.
const WAITS_MAX: u32 = 300;
/// How long anything here may take before the test fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// Polls the work so often at most, then drops it where it waits.
pub(super) async fn cut_after<T>(polls: u32, work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    let mut left = polls;
    poll_fn(|cx| {
        left = left.saturating_sub(1);
        match work.as_mut().poll(cx) {
            Poll::Ready(outcome) => Poll::Ready(Some(outcome)),
            Poll::Pending if left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// A store with one connection, so that whoever comes next gets what the last one left behind.
struct TestStores {
    store: Arc<Postgres>,
    product: ProductId,
    witness: PgConnection,
    _database: TestDatabase,
}

impl TestStores {
    async fn fresh() -> Self {
        let database = TestDatabase::fresh();
        let url = Secret::new(database.url());
        go_to(&url, None).await.expect("migrates");
        let options = address::parse(&url).expect("a URL");
        let server = Server::of(&options, DbmPropagation::Off, PoolMeter::default());
        let pool = pool().max_connections(1).connect_lazy_with(options);
        let store = Arc::new(store(pool, server));
        let product = ProductStore::add(&*store, new_product())
            .await
            .expect("adds");
        TestStores {
            store,
            product: product.id,
            witness: address::connect(&url).await.expect("connects"),
            _database: database,
        }
    }

    fn cut_after(&self, polls: Option<u32>) {
        *self.store.polls.lock().expect("no test panics with it") = polls;
    }

    /// Nothing is open on the connection, and what is acknowledged now is seen at once by everybody.
    async fn assert_acknowledged_is_committed(&mut self, after: &str) {
        let mut next = self.next_connection().await;
        assert!(is_idle(&mut next).await, "not after {after}");
        drop(next);
        let order = new_order(self.product);
        let id = order.id;
        let made = self.patiently(order).await;
        assert!(matches!(made, Created::New(_)), "{made:?} after {after}");
        let sql = "SELECT EXISTS (SELECT FROM orders WHERE id = $1)";
        let seen: bool = sqlx::query_scalar(sql)
            .bind(id::Id(id))
            .fetch_one(&mut self.witness)
            .await
            .expect("is asked");
        assert!(seen, "an acknowledged order is not committed after {after}");
    }

    /// The connection that whoever comes next gets.
    async fn next_connection(&self) -> sqlx::pool::PoolConnection<sqlx::Postgres> {
        let ask = async {
            loop {
                match self.store.place.pool.acquire().await {
                    Ok(connection) => return connection,
                    Err(sqlx::Error::PoolTimedOut) => {}
                    Err(error) => panic!("{error}"),
                }
            }
        };
        tokio::time::timeout(PATIENCE, ask).await.expect("in time")
    }

    /// The server may need a moment to notice that a connection was closed, and holds its locks until then.
    async fn patiently(&self, order: NewOrder) -> Created {
        let ask = async {
            loop {
                match OrderStore::create(&*self.store, order.clone()).await {
                    Err(StoreError::Busy(_)) => tokio::task::yield_now().await,
                    outcome => return outcome.expect("creates"),
                }
            }
        };
        tokio::time::timeout(PATIENCE, ask).await.expect("in time")
    }

    /// No session is inside a transaction once the server has noticed what was closed.
    async fn assert_no_transaction_is_left(&mut self) {
        let sql = "SELECT count(*) FROM pg_stat_activity
                   WHERE datname = current_database() AND state LIKE 'idle in transaction%'";
        let none = async {
            loop {
                let left: i64 = sqlx::query_scalar(sql)
                    .fetch_one(&mut self.witness)
                    .await
                    .expect("is asked");
                if left == 0 {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(8), none)
            .await
            .expect("a transaction was left open");
    }
}

/// Whether the server holds that no transaction is open on the connection.
async fn is_idle(connection: &mut PgConnection) -> bool {
    let asked = sqlx::raw_sql("SELECT now() = statement_timestamp()");
    let row = connection.fetch_one(asked).await.expect("is asked");
    sqlx::Row::try_get(&row, 0).expect("an answer")
}

fn new_product() -> NewProduct {
    NewProduct {
        name: "Thing".into(),
        description: "of use".into(),
        category: "general".into(),
        price: Money::new(100, Currency::Usd),
        stock: 1_000_000,
    }
}

fn new_order(product: ProductId) -> NewOrder {
    let id = Uuid::now_v7();
    NewOrder {
        id,
        owner: guest_owner(id),
        customer_id: None,
        email: None,
        shipping_address: None,
        cart_session_id: None,
        items: NewItems::Catalogue(vec![(product, 1)]),
        currency: None,
        payment_mode: PaymentMode::Intent,
        idempotency: Some(Idempotency {
            scope: "guest".into(),
            key: id.to_string(),
            request_digest: "d".into(),
        }),
        correlation_id: "c".into(),
        trace: EventTrace::default(),
        now_ms: now_ms(),
    }
}

fn handling(order_id: Uuid) -> Handling {
    Handling {
        consumer: Consumer::Payments,
        event: Event {
            event_id: Uuid::new_v4(),
            kind: EventKind::OrderCreated,
            order_id,
            correlation_id: "c".into(),
            trace: EventTrace::default(),
            occurred_at_ms: 1,
            payload: serde_json::Value::Null,
        },
        trace: EventTrace::default(),
        now_ms: now_ms(),
    }
}

fn user() -> User {
    let id = Uuid::new_v4();
    User {
        id,
        email: format!("{id}@example.com"),
        name: "Somebody".into(),
        password_hash: "h".into(),
        role: Role::Customer,
        created_at_ms: now_ms(),
    }
}

/// An order that an operation needs, made without being cut.
async fn order(place: &TestStores) -> Uuid {
    place.cut_after(None);
    let order = new_order(place.product);
    let id = order.id;
    place.patiently(order).await;
    id
}

/// Every operation that there is; `$place` is where, `$polls` where it is cut.
macro_rules! operations {
    ($place:ident, $($name:literal: $prepare:expr => |$store:ident, $given:ident| $operation:expr;)+) => {
        &[$(($name, {
            fn run<'p>($place: &'p TestStores, polls: Option<u32>) -> BoxFuture<'p, StoreResult<()>> {
                Box::pin(async move {
                    let $given = $prepare;
                    $place.cut_after(polls);
                    let $store = &*$place.store;
                    $operation.await.map(drop)
                })
            }
            run
        })),+]
    };
}

type Operation = for<'p> fn(&'p TestStores, Option<u32>) -> BoxFuture<'p, StoreResult<()>>;

const OPERATIONS: &[(&str, Operation)] = operations! { place,
    "products.get": () => |store, _given| ProductStore::get(store, place.product);
    "products.list": () => |store, _given| ProductStore::list(store, Some("general".into()), 0, 5);
    "products.search": () => |store, _given| store.search("thing".into(), 0, 5);
    "products.add": () => |store, _given| ProductStore::add(store, new_product());
    "stock.pieces": () => |store, _given| store.pieces(vec![place.product]);
    "stock.set": () => |store, _given| StockStore::set(store, place.product, 1_000_000);
    "stock.by_category": () => |store, _given| store.by_category();
    "orders.create": new_order(place.product) => |store, given| OrderStore::create(store, given);
    "orders.get": order(place).await => |store, given| OrderStore::get(store, given);
    "orders.list": () => |store, _given| OrderStore::list(store, "o".into(), None, 5);
    "orders.change_status": order(place).await => |store, given| store.change_status(StatusChange {
        order_id: given,
        to: OrderStatus::Cancelled,
        reason: None,
        trace: EventTrace::default(),
        now_ms: now_ms(),
    });
    "orders.change_details": order(place).await => |store, given| store.change_details(given, OrderDetails {
        email: Some("a@example.com".into()),
        shipping_address: None,
    }, now_ms());
    "pipeline.was_handled": Uuid::new_v4() => |store, given| store.was_handled(Consumer::Payments, given);
    "pipeline.payment_succeeded": order(place).await => |store, given| store.payment_succeeded(handling(given), ChargeRecord {
        provider_charge_id: "ch".into(),
        amount: Money::new(100, Currency::Usd),
    });
    "pipeline.payment_failed": order(place).await => |store, given| store.payment_failed(handling(given), "no".into());
    "pipeline.acknowledge": order(place).await => |store, given| store.acknowledge(handling(given));
    "pipeline.charge_of": order(place).await => |store, given| store.charge_of(given);
    "pipeline.expire_unpaid": order(place).await => |store, _given| store.expire_unpaid(i64::MAX, now_ms(), 1);
    "pipeline.unpublished": order(place).await => |store, _given| store.unpublished(5);
    "pipeline.mark_published": order(place).await => |store, _given| store.mark_published(vec![1, 2]);
    "pipeline.forget_handled": () => |store, _given| store.forget_handled(i64::MAX, 5);
    "ledger.entries": () => |store, _given| store.entries(None, 5);
    "ledger.stock": () => |store, _given| store.stock(0, 5);
    "ledger.outbox_len": () => |store, _given| store.outbox_len();
    "users.add": user() => |store, given| UserStore::add(store, given);
    "users.by_email": () => |store, _given| store.by_email("a@example.com".into());
    "users.set_role": Uuid::new_v4() => |store, given| store.set_role(given, Role::Customer);
    "users.get": Uuid::new_v4() => |store, given| UserStore::get(store, given);
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operation_cut_anywhere_leaves_nothing_behind() {
    let mut place = TestStores::fresh().await;
    let mut cuts = 0;
    for (name, operation) in OPERATIONS {
        let mut polls = 0;
        cuts += loop {
            polls += 1;
            assert!(polls < WAITS_MAX, "{name} never comes to its end");
            let outcome = operation(&place, Some(polls)).await;
            place.cut_after(None);
            let after = format!("{name} cut at its wait {polls}");
            place.assert_acknowledged_is_committed(&after).await;
            match outcome {
                Ok(()) => break polls - 1,
                Err(StoreError::Busy(_)) => {}
                Err(error) => panic!("{error} from {after}"),
            }
        };
    }
    // An answer may be there before it is waited for, but not often.
    assert!(cuts as usize > OPERATIONS.len(), "{cuts} cuts");
    place.assert_no_transaction_is_left().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operation_whose_caller_goes_comes_to_its_end() {
    let mut place = TestStores::fresh().await;
    for (name, operation) in OPERATIONS {
        let mut polls = 0;
        loop {
            polls += 1;
            assert!(polls < WAITS_MAX, "{name} never comes to its end");
            let ended = cut_after(polls, operation(&place, None)).await;
            let after = format!("{name} left at its caller's wait {polls}");
            place.assert_acknowledged_is_committed(&after).await;
            if let Some(outcome) = ended {
                outcome.expect(name);
                break;
            }
        }
    }
    place.assert_no_transaction_is_left().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nobody_waits_for_any_more_happens_all_the_same() {
    let mut place = TestStores::fresh().await;
    let order = new_order(place.product);
    let id = order.id;
    let left = cut_after(1, OrderStore::create(&*place.store, order)).await;
    assert!(left.is_none(), "it did not have to wait");
    assert!(place.store.operations.close(PATIENCE).await);
    let sql = "SELECT EXISTS (SELECT FROM orders WHERE id = $1)";
    let query = sqlx::query_scalar(sql).bind(id::Id(id));
    let there: bool = query.fetch_one(&mut place.witness).await.expect("is asked");
    assert!(there);
}

/// Nothing is written on a connection that somebody else left in a transaction, and nobody gets it again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_inside_a_transaction_is_not_written_to() {
    let mut place = TestStores::fresh().await;
    let mut stray = place
        .store
        .place
        .pool
        .acquire()
        .await
        .expect("a connection");
    stray.execute(sqlx::raw_sql("BEGIN")).await.expect("begins");
    let of_stray: i32 = sqlx::query_scalar("SELECT pg_backend_pid()")
        .fetch_one(&mut *stray)
        .await
        .expect("is asked");
    drop(stray);
    let refused = OrderStore::create(&*place.store, new_order(place.product)).await;
    assert!(matches!(refused, Err(StoreError::Busy(_))), "{refused:?}");
    place
        .assert_acknowledged_is_committed("a stray transaction")
        .await;
    let mut next = place.next_connection().await;
    let of_next: i32 = sqlx::query_scalar("SELECT pg_backend_pid()")
        .fetch_one(&mut *next)
        .await
        .expect("is asked");
    assert_ne!(of_stray, of_next);
    drop(next);
    place.assert_no_transaction_is_left().await;
}

/// A transaction in which a statement failed is not acknowledged, even by work that hides the failure.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failure_that_the_work_hides_is_no_success() {
    let mut place = TestStores::fresh().await;
    let hidden = place
        .store
        .write((), |tx, ()| {
            Box::pin(async move {
                drop(tx.execute("SELECT 1 / 0").await);
                Ok(())
            })
        })
        .await;
    assert!(hidden.is_err(), "a rollback was taken for a commit");
    place
        .assert_acknowledged_is_committed("a hidden failure")
        .await;
    place.witness.close().await.expect("closes");
}
