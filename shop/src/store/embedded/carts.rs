//! Session carts in `sessions.db`: one row a cart, as Redis would keep one value.

use std::time::Duration;

use async_trait::async_trait;
use rusqlite::Connection;

use super::{SessionsFile, execute, find};
use crate::db::DbError;
use crate::order::ProductId;
use crate::store::{Cart, CartChange, CartItem, CartStore, StoreResult};

#[async_trait]
impl CartStore for SessionsFile {
    async fn add(
        &self,
        session_id: String,
        item: CartItem,
        now_ms: i64,
        ttl: Duration,
    ) -> StoreResult<CartChange> {
        let add = move |tx: &Connection| {
            let cart = load(tx, &session_id, now_ms)?.unwrap_or_default();
            match cart.with_item(item) {
                Ok(cart) => save(tx, &session_id, cart.renewed(now_ms, ttl)),
                Err(refused) => Ok(refused),
            }
        };
        Ok(self.db.write(add).await?)
    }

    async fn set_quantity(
        &self,
        session_id: String,
        product_id: ProductId,
        quantity: u32,
        now_ms: i64,
        ttl: Duration,
    ) -> StoreResult<CartChange> {
        let set = move |tx: &Connection| {
            let Some(cart) = load(tx, &session_id, now_ms)? else {
                return Ok(CartChange::NoSuchCart);
            };
            match cart.with_quantity(product_id, quantity) {
                Ok(cart) => save(tx, &session_id, cart.renewed(now_ms, ttl)),
                Err(refused) => Ok(refused),
            }
        };
        Ok(self.db.write(set).await?)
    }

    async fn get(&self, session_id: String, now_ms: i64) -> StoreResult<Option<Cart>> {
        let look = move |tx: &Connection| load(tx, &session_id, now_ms);
        Ok(self.db.read(look).await?)
    }

    async fn clear(&self, session_id: String, now_ms: i64) -> StoreResult<bool> {
        let clear = move |tx: &Connection| {
            let existed = load(tx, &session_id, now_ms)?.is_some();
            execute(tx, "DELETE FROM carts WHERE session_id = ?1", [session_id])?;
            Ok(existed)
        };
        Ok(self.db.write(clear).await?)
    }

    async fn sweep(&self, now_ms: i64, limit: u32) -> StoreResult<usize> {
        let sql = "DELETE FROM carts WHERE session_id IN (
                       SELECT session_id FROM carts WHERE expires_at_ms <= ?1 LIMIT ?2)";
        let sweep = move |tx: &Connection| execute(tx, sql, (now_ms, limit));
        Ok(self.db.write(sweep).await?)
    }
}

fn load(tx: &Connection, session_id: &str, now_ms: i64) -> Result<Option<Cart>, DbError> {
    let found = find(
        tx,
        "SELECT items, expires_at_ms FROM carts WHERE session_id = ?1 AND expires_at_ms > ?2",
        (session_id, now_ms),
        |row| Ok((row.get::<_, String>("items")?, row.get("expires_at_ms")?)),
    )?;
    let Some((items, expires_at_ms)) = found else {
        return Ok(None);
    };
    let items =
        serde_json::from_str(&items).map_err(|error| DbError::Corrupt(error.to_string()))?;
    Ok(Some(Cart {
        items,
        expires_at_ms,
    }))
}

fn save(tx: &Connection, session_id: &str, cart: Cart) -> Result<CartChange, DbError> {
    let items =
        serde_json::to_string(&cart.items).map_err(|error| DbError::Corrupt(error.to_string()))?;
    execute(
        tx,
        "INSERT INTO carts (session_id, items, expires_at_ms) VALUES (?1, ?2, ?3)
         ON CONFLICT (session_id) DO UPDATE SET items = excluded.items, expires_at_ms = excluded.expires_at_ms",
        (session_id, items, cart.expires_at_ms),
    )?;
    Ok(CartChange::Done(cart))
}
