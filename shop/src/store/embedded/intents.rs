//! Payment intents in `sessions.db`.

use async_trait::async_trait;
use rusqlite::{Connection, Row};
use uuid::Uuid;

use super::{SessionsFile, all, execute, find, parsed};
use crate::db::DbError;
use crate::money::Money;
use crate::store::{
    INTENT_KEPT_MS, Intent, IntentChange, IntentStatus, IntentStore, IntentTransitionResult,
    StoreResult,
};

#[async_trait]
impl IntentStore for SessionsFile {
    async fn create(&self, intent: Intent) -> StoreResult<Intent> {
        Ok(self.db.write(move |tx| create(tx, intent)).await?)
    }

    async fn get(&self, id: String, now_ms: i64) -> StoreResult<Option<Intent>> {
        let look = move |tx: &Connection| load(tx, &id, now_ms);
        Ok(self.db.read(look).await?)
    }

    async fn change(&self, change: IntentChange) -> StoreResult<IntentTransitionResult> {
        Ok(self.db.write(move |tx| change_intent(tx, change)).await?)
    }

    async fn processing_since(&self, before_ms: i64, limit: u32) -> StoreResult<Vec<Intent>> {
        let look = move |tx: &Connection| {
            all(
                tx,
                "SELECT * FROM intents WHERE status = 'processing' AND updated_at_ms < ?1
                 ORDER BY updated_at_ms LIMIT ?2",
                (before_ms, limit),
                read_intent,
            )
        };
        Ok(self.db.read(look).await?)
    }

    async fn sweep(&self, now_ms: i64, limit: u32) -> StoreResult<usize> {
        let before_ms = now_ms.saturating_sub(INTENT_KEPT_MS);
        let sweep = move |tx: &Connection| {
            let intents = execute(
                tx,
                "DELETE FROM intents WHERE id IN (
                     SELECT id FROM intents WHERE expires_at_ms < ?1 AND status <> 'processing' LIMIT ?2)",
                (before_ms, limit),
            )?;
            let webhooks = execute(
                tx,
                "DELETE FROM webhook_events WHERE event_id IN (
                     SELECT event_id FROM webhook_events WHERE seen_at_ms < ?1 LIMIT ?2)",
                (before_ms, limit),
            )?;
            Ok(intents + webhooks)
        };
        Ok(self.db.write(sweep).await?)
    }
}

fn create(tx: &Connection, intent: Intent) -> Result<Intent, DbError> {
    if let Some(order_id) = intent.order_id
        && let Some(live) = live_for_order(tx, order_id, intent.created_at_ms)?
    {
        return Ok(live);
    }
    execute(
        tx,
        "INSERT INTO intents (id, order_id, owner, amount_minor, currency, status, reason,
             provider_charge_id, created_at_ms, updated_at_ms, expires_at_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9, ?10)",
        (
            &intent.id,
            intent.order_id.map(|id| id.to_string()),
            &intent.owner,
            intent.amount.amount.minor(),
            intent.amount.currency.code(),
            intent.status.as_str(),
            &intent.reason,
            &intent.provider_charge_id,
            intent.created_at_ms,
            intent.expires_at_ms,
        ),
    )?;
    Ok(intent)
}

fn live_for_order(tx: &Connection, order_id: Uuid, now_ms: i64) -> Result<Option<Intent>, DbError> {
    let all = all(
        tx,
        "SELECT * FROM intents WHERE order_id = ?1 ORDER BY created_at_ms",
        [order_id.to_string()],
        read_intent,
    )?;
    Ok(all.into_iter().find(|intent| intent.is_live(now_ms)))
}

/// The intent, unless it lapsed before the shopper confirmed it.
fn load(tx: &Connection, id: &str, now_ms: i64) -> Result<Option<Intent>, DbError> {
    let found = find(tx, "SELECT * FROM intents WHERE id = ?1", [id], read_intent)?;
    Ok(found.filter(|intent| !intent.has_lapsed(now_ms)))
}

fn change_intent(tx: &Connection, change: IntentChange) -> Result<IntentTransitionResult, DbError> {
    let Some(intent) = load(tx, &change.id, change.now_ms)? else {
        return Ok(IntentTransitionResult::NotFound);
    };
    if let Some(event_id) = &change.webhook_event_id
        && !remember_webhook(tx, event_id, change.now_ms)?
    {
        return Ok(IntentTransitionResult::Duplicate(intent));
    }
    let Some(intent) = intent.moved(&change) else {
        return Ok(IntentTransitionResult::Refused(intent));
    };
    execute(
        tx,
        "UPDATE intents SET status = ?2, reason = ?3, provider_charge_id = ?4, updated_at_ms = ?5
         WHERE id = ?1",
        (
            &intent.id,
            intent.status.as_str(),
            &intent.reason,
            &intent.provider_charge_id,
            change.now_ms,
        ),
    )?;
    Ok(IntentTransitionResult::Done(intent))
}

fn remember_webhook(tx: &Connection, event_id: &str, now_ms: i64) -> Result<bool, DbError> {
    let added = execute(
        tx,
        "INSERT INTO webhook_events (event_id, seen_at_ms) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
        (event_id, now_ms),
    )?;
    Ok(added == 1)
}

fn read_intent(row: &Row<'_>) -> rusqlite::Result<Intent> {
    let order_id: Option<String> = row.get("order_id")?;
    Ok(Intent {
        id: row.get("id")?,
        order_id: match order_id {
            Some(_) => Some(parsed(row, "order_id")?),
            None => None,
        },
        owner: row.get("owner")?,
        amount: Money::new(row.get("amount_minor")?, parsed(row, "currency")?),
        status: parsed::<IntentStatus>(row, "status")?,
        reason: row.get("reason")?,
        provider_charge_id: row.get("provider_charge_id")?,
        created_at_ms: row.get("created_at_ms")?,
        expires_at_ms: row.get("expires_at_ms")?,
    })
}
