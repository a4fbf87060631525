//! Reading a new order: the shop's own form and the plain form of the AWS order system, over HTTP
//! and from the queue.

use std::collections::BTreeSet;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};
use uuid::Uuid;

use crate::clock::now_ms;
use crate::error::ApiError;
use crate::money::{Amount, Currency, Money};
use crate::observe;
use crate::order::{OrderLine, PRODUCT_ID_MAX, PaymentMode, ProductId, guest_owner};
use crate::store::{Idempotency, NewItems, NewOrder};
use crate::validate::Problems;

/// Lines that one order may have.
const ITEMS_MAX: usize = 100;
/// Pieces of one product that one order may have.
const QUANTITY_MAX: u32 = 999;
const CUSTOMER_CHARS_MAX: usize = 128;
const ADDRESS_CHARS_MAX: usize = 500;
const ITEM_CHARS_MAX: usize = 200;
/// Texts may hold anything but NUL, which PostgreSQL cannot keep.
const TEXT_PATTERN: &str = "^[^\\x00]*$";

/// A new order in either form.
#[derive(Debug, ToSchema)]
#[schema(title = "CreateOrder")]
#[serde(untagged)]
pub enum CreateOrder {
    /// Products of the catalogue.
    Catalogue(CatalogueOrder),
    /// Free-text items at a stated total.
    Plain(PlainOrder),
}

/// An order of catalogue products, priced by the shop.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CatalogueOrder {
    /// What is ordered; a product that stands twice is added up, to 999 pieces at most.
    #[schema(min_items = 1, max_items = 100)]
    items: Vec<OrderItem>,
    /// Where the confirmation goes.
    #[schema(format = Email, max_length = 254)]
    email: Option<String>,
    /// The client's own reference of the customer.
    #[schema(min_length = 1, max_length = 128, pattern = "^[^\\x00]*$")]
    customer_id: Option<String>,
    /// The cart the order is made from.
    #[schema(min_length = 1, max_length = 128, pattern = "^[A-Za-z0-9_.:-]+$")]
    cart_session_id: Option<String>,
    /// Where the parcel goes.
    #[schema(min_length = 1, max_length = 500, pattern = "^[^\\x00]*$")]
    shipping_address: Option<String>,
    /// Who moves the money.
    #[serde(default)]
    payment: PaymentMode,
    /// The currency that the client expects.
    currency: Option<Currency>,
}

/// One product of a new order.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderItem {
    /// Which product.
    #[schema(value_type = i64, minimum = 1, maximum = 1_000_000_000)]
    product_id: ProductId,
    /// How many.
    #[schema(minimum = 1, maximum = 999)]
    quantity: u32,
}

/// The plain order of the AWS order system.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlainOrder {
    /// The client's own reference of the customer.
    #[schema(
        min_length = 1,
        max_length = 128,
        pattern = "^[^\\x00]*$",
        example = "123"
    )]
    customer_id: String,
    /// What is ordered, in the client's own words.
    #[schema(min_items = 1, max_items = 100, example = json!(["item1", "item2"]))]
    items: Vec<PlainItem>,
    /// What it costs.
    total: Amount,
    /// In which currency.
    #[serde(default)]
    currency: Currency,
}

/// An item in the client's own words.
#[derive(Debug, Deserialize)]
pub struct PlainItem(String);

impl PartialSchema for PlainItem {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .min_length(Some(1))
            .max_length(Some(ITEM_CHARS_MAX))
            .pattern(Some(TEXT_PATTERN))
            .into()
    }
}

impl ToSchema for PlainItem {}

impl<'de> Deserialize<'de> for CreateOrder {
    /// The items tell the forms apart: texts, or objects. Trying one form after the other would
    /// answer a mistake with «no variant matched».
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = serde_json::Value::deserialize(deserializer)?;
        let first = value.get("items").and_then(|items| items.get(0));
        let order = if first.is_some_and(serde_json::Value::is_string) {
            PlainOrder::deserialize(value).map(CreateOrder::Plain)
        } else {
            CatalogueOrder::deserialize(value).map(CreateOrder::Catalogue)
        };
        order.map_err(D::Error::custom)
    }
}

/// Who orders, and under which key.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The subject of the shopper's token; a guest has none.
    pub owner: Option<String>,
    /// Guards against a second order for the same request.
    pub idempotency: Option<Idempotency>,
}

impl CreateOrder {
    /// Checks the order and gives it its id and owner.
    pub fn into_new(self, draft: Draft) -> Result<NewOrder, ApiError> {
        let id = Uuid::now_v7();
        let owner = draft.owner.unwrap_or_else(|| guest_owner(id));
        let mut order = match self {
            CreateOrder::Catalogue(order) => order.into_new(id, owner)?,
            CreateOrder::Plain(order) => order.into_new(id, owner)?,
        };
        order.idempotency = draft.idempotency;
        Ok(order)
    }
}

impl CatalogueOrder {
    fn into_new(self, id: Uuid, owner: String) -> Result<NewOrder, ApiError> {
        let mut problems = Problems::new();
        problems
            .check(
                (1..=ITEMS_MAX).contains(&self.items.len()),
                format!("`items` must hold 1 to {ITEMS_MAX} items"),
            )
            .optional_text(
                "customerId",
                self.customer_id.as_deref(),
                CUSTOMER_CHARS_MAX,
            )
            .optional_text(
                "shippingAddress",
                self.shipping_address.as_deref(),
                ADDRESS_CHARS_MAX,
            );
        if let Some(email) = &self.email {
            problems.email("email", email);
        }
        if let Some(session_id) = &self.cart_session_id {
            problems.session_id("cartSessionId", session_id);
        }
        let items = merged(&self.items, &mut problems);
        problems.finish()?;
        let mut order = blank(id, owner, NewItems::Catalogue(items));
        order.customer_id = self.customer_id;
        order.email = self.email;
        order.shipping_address = self.shipping_address;
        order.cart_session_id = self.cart_session_id;
        order.currency = self.currency;
        order.payment_mode = self.payment;
        Ok(order)
    }
}

/// Each product once, in the order of the client, with its quantities added up.
fn merged(items: &[OrderItem], problems: &mut Problems) -> Vec<(ProductId, u32)> {
    let mut merged: Vec<(ProductId, u32)> = Vec::with_capacity(items.len());
    let mut bad = BTreeSet::new();
    for item in items.iter().take(ITEMS_MAX) {
        if !(1..=PRODUCT_ID_MAX).contains(&item.product_id) {
            bad.insert("`productId` must be 1 to 1000000000");
        }
        if item.quantity == 0 || item.quantity > QUANTITY_MAX {
            bad.insert("`quantity` must be 1 to 999");
            continue;
        }
        match merged.iter_mut().find(|(id, _)| *id == item.product_id) {
            Some((_, quantity)) => *quantity = quantity.saturating_add(item.quantity),
            None => merged.push((item.product_id, item.quantity)),
        }
    }
    if merged.iter().any(|(_, quantity)| *quantity > QUANTITY_MAX) {
        bad.insert("`items` must hold at most 999 pieces of one product, all lines together");
    }
    for problem in bad {
        problems.check(false, problem);
    }
    merged
}

impl PlainOrder {
    fn into_new(self, id: Uuid, owner: String) -> Result<NewOrder, ApiError> {
        let mut problems = Problems::new();
        problems
            .text("customerId", &self.customer_id, 1, CUSTOMER_CHARS_MAX)
            .check(
                (1..=ITEMS_MAX).contains(&self.items.len()),
                format!("`items` must hold 1 to {ITEMS_MAX} items"),
            );
        for PlainItem(item) in &self.items {
            problems.text("items", item, 1, ITEM_CHARS_MAX);
        }
        problems.finish()?;
        let lines = self
            .items
            .into_iter()
            .map(|PlainItem(name)| OrderLine {
                product_id: None,
                name,
                quantity: 1,
                unit_price: Amount::ZERO,
            })
            .collect();
        let total = Money {
            amount: self.total,
            currency: self.currency,
        };
        let mut order = blank(id, owner, NewItems::Plain(lines, total));
        order.customer_id = Some(self.customer_id);
        Ok(order)
    }
}

fn blank(id: Uuid, owner: String, items: NewItems) -> NewOrder {
    NewOrder {
        id,
        owner,
        customer_id: None,
        email: None,
        shipping_address: None,
        cart_session_id: None,
        items,
        currency: None,
        payment_mode: PaymentMode::Automatic,
        idempotency: None,
        correlation_id: observe::current_correlation_id(),
        trace: observe::current_event_trace(),
        now_ms: now_ms(),
    }
}
