//! What the shop keeps, as small traits in domain words. Each method is one whole transaction.
//!
//! Services and pipeline see these traits alone; which database answers is decided once, in
//! [`Stores::open`]. The embedded implementation lives in [`embedded`].

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use uuid::Uuid;

use crate::catalogue::Catalogue;
use crate::config::Config;
use crate::db::DbError;
use crate::event::{Event, EventTrace};
use crate::money::{Amount, Currency, Money};
use crate::order::{Order, OrderLine, OrderStatus, PaymentMode, ProductId};

pub mod embedded;

/// Why a store could not answer. Outcomes that callers decide on are not errors.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It cannot answer now; asking again later may help.
    #[error("the store is busy: {0}")]
    Busy(String),
    /// It failed.
    #[error("the store failed: {0}")]
    Failed(String),
}

impl From<DbError> for StoreError {
    fn from(error: DbError) -> Self {
        match error {
            DbError::Overloaded | DbError::Closed | DbError::Commit(_) => {
                StoreError::Busy(error.to_string())
            }
            other => StoreError::Failed(other.to_string()),
        }
    }
}

/// What a store returns.
pub type StoreResult<T> = Result<T, StoreError>;

/// One product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Product {
    /// Its number.
    pub id: ProductId,
    /// Its name.
    pub name: String,
    /// A sentence or two about it.
    pub description: String,
    /// Its category, also its class in telemetry.
    pub category: String,
    /// Its price.
    pub price: Money,
    /// Pieces on the shelf.
    pub stock: u32,
    /// Its place in the order of popularity, from 1; 0 when it has none.
    pub popularity_rank: u32,
}

/// The seeded catalogue as products to fill an empty store with. Ids rise with rarity, so they are
/// the popularity rank as well.
pub fn seed_products(catalogue: &Catalogue) -> Vec<Product> {
    catalogue
        .products()
        .iter()
        .map(|seed| Product {
            id: seed.id,
            name: seed.name.clone(),
            description: seed.description.clone(),
            category: seed.category.to_owned(),
            price: Money::new(seed.price_minor, Currency::default()),
            stock: seed.stock,
            popularity_rank: u32::try_from(seed.id).unwrap_or(0),
        })
        .collect()
}

/// A product to be added.
#[derive(Clone, Debug)]
pub struct NewProduct {
    /// Its name.
    pub name: String,
    /// A sentence or two about it.
    pub description: String,
    /// Its category.
    pub category: String,
    /// Its price.
    pub price: Money,
    /// Pieces on the shelf.
    pub stock: u32,
}

/// One page of a list, and where the next one begins.
#[derive(Clone, Debug)]
pub struct Page<T, C> {
    /// The items.
    pub items: Vec<T>,
    /// Where to go on, if there is more.
    pub next: Option<C>,
}

/// The catalogue with its stock.
#[async_trait]
pub trait ProductStore: Send + Sync {
    /// Fills an empty catalogue; does nothing when there are products. Returns how many were added.
    async fn seed(&self, products: Vec<Product>) -> StoreResult<usize>;
    /// One product.
    async fn get(&self, id: ProductId) -> StoreResult<Option<Product>>;
    /// Products with ids above `after`, in the order of their ids.
    async fn list(
        &self,
        category: Option<String>,
        after: ProductId,
        limit: u32,
    ) -> StoreResult<Page<Product, ProductId>>;
    /// Products whose name or description has words beginning with the words of `text`, best first.
    async fn search(&self, text: String, offset: u32, limit: u32) -> StoreResult<Vec<Product>>;
    /// Adds a product under the next free id.
    async fn add(&self, product: NewProduct) -> StoreResult<Product>;
    /// Sets the stock; `None` when there is no such product.
    async fn set_stock(&self, id: ProductId, stock: u32) -> StoreResult<Option<Product>>;
    /// Pieces on the shelf by category, for the stock gauge.
    async fn stock_by_category(&self) -> StoreResult<Vec<(String, u64)>>;
}

/// What a client wants to order.
#[derive(Clone, Debug)]
pub enum NewItems {
    /// Catalogue products, each once, priced by the store within the transaction.
    Catalogue(Vec<(ProductId, u32)>),
    /// Free-text items at a total that the client states (the plain order).
    Plain(Vec<OrderLine>, Money),
}

/// An order to be made.
#[derive(Clone, Debug)]
pub struct NewOrder {
    /// Its id, chosen by the caller.
    pub id: Uuid,
    /// Whose it is.
    pub owner: String,
    /// The customer reference that the client gave.
    pub customer_id: Option<String>,
    /// Where the confirmation goes.
    pub email: Option<String>,
    /// Where the parcel goes.
    pub shipping_address: Option<String>,
    /// The cart it is made from.
    pub cart_session_id: Option<String>,
    /// What is ordered.
    pub items: NewItems,
    /// The currency the client expects, if it said so.
    pub currency: Option<Currency>,
    /// Who moves the money.
    pub payment_mode: PaymentMode,
    /// Guards against a second order for the same request.
    pub idempotency: Option<Idempotency>,
    /// Follows the order through every message.
    pub correlation_id: String,
    /// The trace of the request.
    pub trace: EventTrace,
    /// Now, in milliseconds since 1970.
    pub now_ms: i64,
}

/// An idempotency key and what was asked under it.
#[derive(Clone, Debug)]
pub struct Idempotency {
    /// Whose key it is: keys of different shoppers do not meet.
    pub scope: String,
    /// The key.
    pub key: String,
    /// Digest of the request body.
    pub request_digest: String,
}

/// What became of a new order.
#[derive(Clone, Debug)]
pub enum Created {
    /// The order and its `order.created` event are durable.
    New(Order),
    /// The key was used before for the same request: this is the order it made.
    Replayed(Order),
    /// The key was used before for another request.
    KeyReused,
    /// These products do not exist.
    UnknownProducts(Vec<ProductId>),
    /// These products do not have that many pieces.
    OutOfStock(Vec<ProductId>),
    /// The products are priced in this currency instead.
    CurrencyMismatch(Currency),
    /// The sum leaves the shop's range.
    TotalTooLarge,
}

/// A move of an order.
#[derive(Clone, Debug)]
pub struct StatusChange {
    /// Which order.
    pub order_id: Uuid,
    /// Where it goes.
    pub to: OrderStatus,
    /// Why, for a cancellation or a failure.
    pub reason: Option<String>,
    /// The trace of the request.
    pub trace: EventTrace,
    /// Now, in milliseconds since 1970.
    pub now_ms: i64,
}

/// What became of a move.
#[derive(Clone, Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly every value is an order, and each is moved a few times at most"
)]
pub enum Moved {
    /// The order is there now.
    Done(Order),
    /// The state machine has no such move; nothing changed.
    Illegal(OrderStatus),
    /// The stock does not suffice; nothing changed.
    OutOfStock(Vec<ProductId>),
    /// No such order.
    NotFound,
}

/// Changes to an order's addresses while it is pending.
#[derive(Clone, Debug, Default)]
pub struct OrderDetails {
    /// A new mail address.
    pub email: Option<String>,
    /// A new parcel address.
    pub shipping_address: Option<String>,
}

/// Orders, as shoppers and administrators see them.
#[async_trait]
pub trait OrderStore: Send + Sync {
    /// Makes an order and its event, or says why not.
    async fn create(&self, order: NewOrder) -> StoreResult<Created>;
    /// One order.
    async fn get(&self, id: Uuid) -> StoreResult<Option<Order>>;
    /// Orders of one owner, newest first, made before `(created_at_ms, id)`.
    async fn list(
        &self,
        owner: String,
        before: Option<(i64, Uuid)>,
        limit: u32,
    ) -> StoreResult<Page<Order, (i64, Uuid)>>;
    /// Moves an order if the state machine allows it, with the events that follow from the move.
    async fn change_status(&self, change: StatusChange) -> StoreResult<Moved>;
    /// Changes the addresses of a pending order.
    async fn change_details(
        &self,
        id: Uuid,
        details: OrderDetails,
        now_ms: i64,
    ) -> StoreResult<Moved>;
}

/// Which consumer remembers an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Consumer {
    /// Charges and refunds.
    Payments,
    /// Stock.
    Inventory,
    /// Mail.
    Notifications,
    /// Orders that arrive by queue.
    OrderIntake,
}

impl Consumer {
    /// The word used in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Consumer::Payments => "payments",
            Consumer::Inventory => "inventory",
            Consumer::Notifications => "notifications",
            Consumer::OrderIntake => "order_intake",
        }
    }
}

/// One event in the hands of one consumer: the consumer's memory is written with its effect.
#[derive(Clone, Debug)]
pub struct Handling {
    /// Who handles it.
    pub consumer: Consumer,
    /// What is handled.
    pub event: Event,
    /// The consumer's own trace, for the events that follow.
    pub trace: EventTrace,
    /// Now, in milliseconds since 1970.
    pub now_ms: i64,
}

/// What became of an event.
#[derive(Clone, Debug)]
pub enum Applied {
    /// It took effect; this is the order afterwards.
    Done(Order),
    /// It came too late to have an effect (the order had moved on); that is remembered too.
    Obsolete(Order),
    /// This consumer has handled it before; nothing changed.
    Duplicate,
    /// No such order.
    NoSuchOrder,
}

/// What a charge came to.
#[derive(Clone, Debug)]
pub struct ChargeRecord {
    /// The provider's id of the charge.
    pub provider_charge_id: String,
    /// What was charged.
    pub amount: Money,
}

/// One row of the outbox.
#[derive(Clone, Debug)]
pub struct OutboxRow {
    /// Its place, rising.
    pub seq: i64,
    /// The event.
    pub event: Event,
}

/// What the pipeline does to orders. Effect, memory of the event and the events that follow are
/// one transaction in every method.
#[async_trait]
pub trait PipelineStore: Send + Sync {
    /// Whether the consumer has handled the event already (to spare the call to a provider).
    async fn was_handled(&self, consumer: Consumer, event_id: Uuid) -> StoreResult<bool>;
    /// Remembers an event that needs no effect.
    async fn acknowledge(&self, handling: Handling) -> StoreResult<Applied>;
    /// The order was charged: pending → paid, then `payment.processed`. When the order had been
    /// called off meanwhile, the charge is recorded and `refund.requested` follows (`Obsolete`).
    async fn payment_succeeded(
        &self,
        handling: Handling,
        charge: ChargeRecord,
    ) -> StoreResult<Applied>;
    /// The charge was declined for good: pending → failed, then `payment.failed`.
    async fn payment_failed(&self, handling: Handling, reason: String) -> StoreResult<Applied>;
    /// Takes the stock: paid → reserved, then `inventory.reserved`; or paid → failed, then
    /// `inventory.failed` and, when money was charged, `refund.requested`.
    async fn reserve_stock(&self, handling: Handling) -> StoreResult<Applied>;
    /// Puts the stock of a cancelled order back, once.
    async fn release_stock(&self, handling: Handling) -> StoreResult<Applied>;
    /// The money of an order went back, once; then `payment.refunded`.
    async fn refund_succeeded(
        &self,
        handling: Handling,
        provider_refund_id: String,
    ) -> StoreResult<Applied>;
    /// The charge recorded for an order, if any (what a refund refers to).
    async fn charge_of(&self, order_id: Uuid) -> StoreResult<Option<ChargeRecord>>;
    /// Cancels pending orders that wait for an intent since before `created_before_ms`, each with
    /// its `order.cancelled` event. At most `limit`; returns their ids.
    async fn expire_unpaid(
        &self,
        created_before_ms: i64,
        now_ms: i64,
        limit: u32,
    ) -> StoreResult<Vec<Uuid>>;
    /// The oldest events that are not published yet.
    async fn unpublished(&self, limit: u32) -> StoreResult<Vec<OutboxRow>>;
    /// Removes events that the queue has taken.
    async fn mark_published(&self, seqs: Vec<i64>) -> StoreResult<()>;
    /// Returns when there may be new events in the outbox, at the latest after `timeout`.
    async fn wait_for_events(&self, timeout: Duration);
    /// Forgets handled events older than `before_ms`, at most `limit`; returns how many.
    async fn forget_handled(&self, before_ms: i64, limit: u32) -> StoreResult<usize>;
}

/// What a user may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Own things only.
    Customer,
    /// Everything.
    Admin,
}

impl Role {
    /// The word used in tokens and in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Role::Customer => "customer",
            Role::Admin => "admin",
        }
    }
}

/// One account.
#[derive(Clone, Debug)]
pub struct User {
    /// Its id, the subject of its tokens.
    pub id: Uuid,
    /// Its mail address, lower case.
    pub email: String,
    /// The person's name.
    pub name: String,
    /// The Argon2id hash, in PHC form.
    pub password_hash: String,
    /// What it may do.
    pub role: Role,
    /// Creation, in milliseconds since 1970.
    pub created_at_ms: i64,
}

/// Accounts.
#[async_trait]
pub trait UserStore: Send + Sync {
    /// Adds an account; false when the mail address has one.
    async fn add(&self, user: User) -> StoreResult<bool>;
    /// The account of a mail address (lower case).
    async fn by_email(&self, email: String) -> StoreResult<Option<User>>;
    /// One account.
    async fn get(&self, id: Uuid) -> StoreResult<Option<User>>;
}

/// One item in a cart.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct CartItem {
    /// Which product.
    pub product_id: ProductId,
    /// Its name when it was put in.
    pub name: String,
    /// Its price when it was put in, in minor units.
    pub unit_price_minor: i64,
    /// The currency of its price.
    pub currency: Currency,
    /// How many.
    pub quantity: u32,
}

impl CartItem {
    /// Its price when it was put in.
    pub fn unit_price(&self) -> Amount {
        Amount::from_minor(self.unit_price_minor)
    }
}

/// A session's cart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cart {
    /// What is in it.
    pub items: Vec<CartItem>,
    /// When it lapses, in milliseconds since 1970.
    pub expires_at_ms: i64,
}

/// What became of a change to a cart.
#[derive(Clone, Debug)]
pub enum CartChange {
    /// This is the cart now.
    Done(Cart),
    /// The cart has no such item.
    NoSuchItem,
    /// There is no such cart.
    NoSuchCart,
    /// The item's quantity would pass the limit.
    TooMany,
    /// The cart has as many different items as it may have.
    Full,
    /// The cart holds items in another currency.
    CurrencyMismatch(Currency),
}

/// Different items that one cart may hold.
pub const CART_ITEMS_MAX: usize = 100;
/// Pieces of one item that a cart may hold.
pub const CART_QUANTITY_MAX: u32 = 999;

/// Session carts with a time to live. A lapsed cart reads as absent at once.
#[async_trait]
pub trait CartStore: Send + Sync {
    /// Puts an item in (adding to the quantity that is there) and renews the cart's life.
    async fn add(
        &self,
        session_id: String,
        item: CartItem,
        now_ms: i64,
        ttl: Duration,
    ) -> StoreResult<CartChange>;
    /// Sets the quantity of an item that is there; zero takes it out.
    async fn set_quantity(
        &self,
        session_id: String,
        product_id: ProductId,
        quantity: u32,
        now_ms: i64,
        ttl: Duration,
    ) -> StoreResult<CartChange>;
    /// The cart.
    async fn get(&self, session_id: String, now_ms: i64) -> StoreResult<Option<Cart>>;
    /// Forgets the cart; false when there was none.
    async fn clear(&self, session_id: String, now_ms: i64) -> StoreResult<bool>;
    /// Removes lapsed carts, at most `limit`; returns how many.
    async fn sweep(&self, now_ms: i64, limit: u32) -> StoreResult<usize>;
}

/// Where a payment intent stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IntentStatus {
    /// Made, waiting for the shopper.
    RequiresConfirmation,
    /// Confirmed, the provider is asked.
    Processing,
    /// Charged. Final.
    Succeeded,
    /// Declined. Final.
    Failed,
    /// Called off or expired. Final.
    Cancelled,
}

impl IntentStatus {
    /// The word used in JSON and in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            IntentStatus::RequiresConfirmation => "requires_confirmation",
            IntentStatus::Processing => "processing",
            IntentStatus::Succeeded => "succeeded",
            IntentStatus::Failed => "failed",
            IntentStatus::Cancelled => "cancelled",
        }
    }
}

impl std::str::FromStr for IntentStatus {
    type Err = UnknownIntentStatus;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [
            IntentStatus::RequiresConfirmation,
            IntentStatus::Processing,
            IntentStatus::Succeeded,
            IntentStatus::Failed,
            IntentStatus::Cancelled,
        ]
        .into_iter()
        .find(|status| status.as_str() == text)
        .ok_or_else(|| UnknownIntentStatus(text.to_owned()))
    }
}

/// A word that is not the status of an intent.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not the status of a payment intent")]
pub struct UnknownIntentStatus(String);

/// A payment intent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intent {
    /// Its id.
    pub id: String,
    /// The order it pays, if any.
    pub order_id: Option<Uuid>,
    /// The subject that may see and confirm it, if it has an owner.
    pub owner: Option<String>,
    /// What it charges.
    pub amount: Money,
    /// Where it stands.
    pub status: IntentStatus,
    /// Why it failed or was cancelled.
    pub reason: Option<String>,
    /// The provider's id of the charge.
    pub provider_charge_id: Option<String>,
    /// Creation, in milliseconds since 1970.
    pub created_at_ms: i64,
    /// When it lapses unless it succeeded, in milliseconds since 1970.
    pub expires_at_ms: i64,
}

/// A guarded move of an intent.
#[derive(Clone, Debug)]
pub struct IntentChange {
    /// Which intent.
    pub id: String,
    /// It must be in one of these states.
    pub from: Vec<IntentStatus>,
    /// Where it goes.
    pub to: IntentStatus,
    /// Why, for a failure or cancellation.
    pub reason: Option<String>,
    /// The provider's id of the charge, once known.
    pub provider_charge_id: Option<String>,
    /// When set, the move happens only if this webhook event was never seen, and remembers it.
    pub webhook_event_id: Option<String>,
    /// Now, in milliseconds since 1970.
    pub now_ms: i64,
}

/// What became of an intent's move.
#[derive(Clone, Debug)]
pub enum IntentMoved {
    /// The intent is there now.
    Done(Intent),
    /// It was in another state; nothing changed.
    Refused(Intent),
    /// The webhook event was seen before; nothing changed.
    Duplicate(Intent),
    /// No such intent, or lapsed.
    NotFound,
}

/// Payment intents with a time to live.
#[async_trait]
pub trait IntentStore: Send + Sync {
    /// Adds an intent; when its order has a live one (not failed, cancelled or lapsed), returns that one.
    async fn create(&self, intent: Intent) -> StoreResult<Intent>;
    /// One intent.
    async fn get(&self, id: String, now_ms: i64) -> StoreResult<Option<Intent>>;
    /// Moves an intent if it is where the caller thinks.
    async fn change(&self, change: IntentChange) -> StoreResult<IntentMoved>;
    /// Intents whose confirmation began before `before_ms` and never ended, at most `limit`.
    async fn processing_since(&self, before_ms: i64, limit: u32) -> StoreResult<Vec<Intent>>;
    /// Removes lapsed intents and old webhook ids, at most `limit`; returns how many.
    async fn sweep(&self, now_ms: i64, limit: u32) -> StoreResult<usize>;
}

/// Every store of the shop.
#[derive(Clone)]
pub struct Stores {
    /// The catalogue.
    pub products: Arc<dyn ProductStore>,
    /// Orders, as people see them.
    pub orders: Arc<dyn OrderStore>,
    /// Orders, as the pipeline sees them.
    pub pipeline: Arc<dyn PipelineStore>,
    /// Accounts.
    pub users: Arc<dyn UserStore>,
    /// Carts.
    pub carts: Arc<dyn CartStore>,
    /// Payment intents.
    pub intents: Arc<dyn IntentStore>,
    closer: Arc<dyn Fn() + Send + Sync>,
}

impl Stores {
    /// Opens the stores that the configuration names.
    pub fn open(config: &Config) -> Result<Stores, DbError> {
        embedded::open(config)
    }

    /// Finishes what waits and closes the files. Blocks.
    pub fn close(&self) {
        (self.closer)();
    }
}
