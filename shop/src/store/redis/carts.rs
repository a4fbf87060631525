//! Session carts: one value each, which Redis forgets when the cart lapses.

use std::time::Duration;

use async_trait::async_trait;

use super::script::Change;
use super::{ROUNDS_MAX, RedisStore, contended, decode, encode};
use crate::order::ProductId;
use crate::store::{Cart, CartChange, CartItem, CartStore, StoreResult};

#[async_trait]
impl CartStore for RedisStore {
    async fn add(
        &self,
        session_id: String,
        item: CartItem,
        now_ms: i64,
        ttl: Duration,
    ) -> StoreResult<CartChange> {
        let add = |cart: Option<Cart>| cart.unwrap_or_default().with_item(item.clone());
        self.change_cart(&session_id, now_ms, ttl, add).await
    }

    async fn set_quantity(
        &self,
        session_id: String,
        product_id: ProductId,
        quantity: u32,
        now_ms: i64,
        ttl: Duration,
    ) -> StoreResult<CartChange> {
        let set = |cart: Option<Cart>| {
            let cart = cart.ok_or(CartChange::NoSuchCart)?;
            cart.with_quantity(product_id, quantity)
        };
        self.change_cart(&session_id, now_ms, ttl, set).await
    }

    async fn get(&self, session_id: String, now_ms: i64) -> StoreResult<Option<Cart>> {
        let found = self.load_one(&self.cart_key(&session_id)).await?;
        unlapsed(found.as_deref(), now_ms)
    }

    async fn clear(&self, session_id: String, now_ms: i64) -> StoreResult<bool> {
        let key = self.cart_key(&session_id);
        let found: Option<String> = self
            .connection
            .query(redis::cmd("GETDEL").arg(&key))
            .await?;
        Ok(unlapsed(found.as_deref(), now_ms)?.is_some())
    }

    async fn sweep(&self, _now_ms: i64, _limit: u32) -> StoreResult<usize> {
        Ok(0)
    }
}

impl RedisStore {
    fn cart_key(&self, session_id: &str) -> String {
        self.key("cart", session_id)
    }

    async fn change_cart(
        &self,
        session_id: &str,
        now_ms: i64,
        ttl: Duration,
        change: impl Fn(Option<Cart>) -> Result<Cart, CartChange> + Send + Sync,
    ) -> StoreResult<CartChange> {
        let key = self.cart_key(session_id);
        for _ in 0..ROUNDS_MAX {
            let found = self.load_one(&key).await?;
            let cart = match change(unlapsed(found.as_deref(), now_ms)?) {
                Ok(cart) => cart.renewed(now_ms, ttl),
                Err(refused) => return Ok(refused),
            };
            let written = Change::new()
                .expect(&key, found.as_deref())
                .set(&key, &encode(&cart)?, Some(ttl))
                .commit(&self.connection)
                .await?;
            if written {
                return Ok(CartChange::Done(cart));
            }
        }
        Err(contended())
    }
}

/// The cart in a value, unless it has lapsed: the clocks of Redis and shop may differ a little.
fn unlapsed(found: Option<&str>, now_ms: i64) -> StoreResult<Option<Cart>> {
    let cart: Option<Cart> = found.map(decode).transpose()?;
    Ok(cart.filter(|cart| cart.expires_at_ms > now_ms))
}
