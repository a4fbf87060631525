//! Session carts with a time to live.

use std::time::Duration;

use async_trait::async_trait;

use super::StoreResult;
use crate::money::{Amount, Currency};
use crate::order::ProductId;

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
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Cart {
    /// What is in it.
    pub items: Vec<CartItem>,
    /// When it lapses, in milliseconds since 1970.
    pub expires_at_ms: i64,
}

impl Cart {
    /// The cart with an item put in, added to the quantity that is there; or why not.
    pub(crate) fn with_item(mut self, item: CartItem) -> Result<Cart, CartChange> {
        if let Some(other) = self
            .items
            .iter()
            .find(|other| other.currency != item.currency)
        {
            return Err(CartChange::CurrencyMismatch(other.currency));
        }
        let there = self
            .items
            .iter_mut()
            .find(|there| there.product_id == item.product_id);
        let Some(there) = there else {
            if self.items.len() >= CART_ITEMS_MAX {
                return Err(CartChange::Full);
            }
            self.items.push(item);
            return Ok(self);
        };
        let quantity = there.quantity.saturating_add(item.quantity);
        if quantity > CART_QUANTITY_MAX {
            return Err(CartChange::TooMany);
        }
        *there = CartItem { quantity, ..item };
        Ok(self)
    }

    /// The cart with another quantity of an item that is there, without the item for zero; or why not.
    pub(crate) fn with_quantity(
        mut self,
        id: ProductId,
        quantity: u32,
    ) -> Result<Cart, CartChange> {
        let position = self
            .items
            .iter()
            .position(|item| item.product_id == id)
            .ok_or(CartChange::NoSuchItem)?;
        if quantity == 0 {
            self.items.remove(position);
        } else {
            self.items[position].quantity = quantity;
        }
        Ok(self)
    }

    /// The cart with a life of `ttl` from now.
    pub(crate) fn renewed(mut self, now_ms: i64, ttl: Duration) -> Cart {
        let ttl_ms = i64::try_from(ttl.as_millis()).unwrap_or(i64::MAX);
        self.expires_at_ms = now_ms.saturating_add(ttl_ms);
        self
    }
}

/// What became of a change to a cart.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// Removes lapsed carts, at most `limit`; returns how many. A store that forgets by itself has nothing to do.
    async fn sweep(&self, now_ms: i64, limit: u32) -> StoreResult<usize>;
}
