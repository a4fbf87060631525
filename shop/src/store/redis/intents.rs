//! Payment intents: one value each. An order's key names its latest intent, so that it never has two live
//! ones; a sorted set names those that are being charged, which are kept until they are decided.

use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::script::Change;
use super::{ROUNDS_MAX, RedisStore, contended, decode, encode};
use crate::money::{Currency, Money};
use crate::store::{
    INTENT_KEPT_MS, Intent, IntentChange, IntentStatus, IntentStore, IntentTransitionResult,
    StoreResult,
};

/// An intent is kept at least this long after a move, however late the move came.
const KEPT_AFTER_MOVE_MS: i64 = 60_000;

#[async_trait]
impl IntentStore for RedisStore {
    async fn create(&self, intent: Intent) -> StoreResult<Intent> {
        for _ in 0..ROUNDS_MAX {
            let (change, live) = self.creation(&intent).await?;
            if let Some(live) = live {
                return Ok(live);
            }
            if change.commit(&self.connection).await? {
                return Ok(intent);
            }
        }
        Err(contended())
    }

    async fn get(&self, id: String, now_ms: i64) -> StoreResult<Option<Intent>> {
        let found = self.load_one(&self.intent_key(&id)).await?;
        let intent = found.as_deref().map(read).transpose()?;
        Ok(intent.filter(|intent| !intent.has_lapsed(now_ms)))
    }

    async fn change(&self, change: IntentChange) -> StoreResult<IntentTransitionResult> {
        for _ in 0..ROUNDS_MAX {
            let (to_write, outcome) = self.intent_change(&change).await?;
            if to_write.commit(&self.connection).await? {
                return Ok(outcome);
            }
        }
        Err(contended())
    }

    async fn processing_since(&self, before_ms: i64, limit: u32) -> StoreResult<Vec<Intent>> {
        let mut command = redis::cmd("ZRANGEBYSCORE");
        command.arg(self.processing_key()).arg("-inf");
        command
            .arg(format!("({before_ms}"))
            .arg("LIMIT")
            .arg(0)
            .arg(limit);
        let ids: Vec<String> = self.connection.query(&command).await?;
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let keys: Vec<_> = ids.iter().map(|id| self.intent_key(id)).collect();
        let found = self.load(&keys).await?;
        let intents: Vec<Intent> = found
            .iter()
            .flatten()
            .map(|text| read(text))
            .collect::<StoreResult<_>>()?;
        // One may have been decided since the list was read.
        Ok(intents
            .into_iter()
            .filter(|intent| intent.status == IntentStatus::Processing)
            .collect())
    }

    async fn sweep(&self, _now_ms: i64, _limit: u32) -> StoreResult<usize> {
        Ok(0)
    }
}

impl RedisStore {
    fn intent_key(&self, id: &str) -> String {
        self.key("intent", id)
    }

    fn order_key(&self, order_id: Uuid) -> String {
        self.key("intent-of", &order_id.to_string())
    }

    fn processing_key(&self) -> String {
        format!("{}intents-processing", self.prefix)
    }

    /// What adds an intent, and the live one of its order that stands in the way.
    async fn creation(&self, intent: &Intent) -> StoreResult<(Change, Option<Intent>)> {
        let key = self.intent_key(&intent.id);
        let ttl = kept_for(intent, intent.created_at_ms);
        let change = Change::new()
            .expect(&key, None)
            .set(&key, &write(intent)?, ttl);
        let Some(order_id) = intent.order_id else {
            return Ok((change, None));
        };
        let order_key = self.order_key(order_id);
        let latest_id = self.load_one(&order_key).await?;
        let change = change
            .expect(&order_key, latest_id.as_deref())
            .set(&order_key, &intent.id, ttl);
        let Some(latest_id) = latest_id else {
            return Ok((change, None));
        };
        let latest_key = self.intent_key(&latest_id);
        let latest = self.load_one(&latest_key).await?;
        let live = latest.as_deref().map(read).transpose()?;
        let live = live.filter(|latest: &Intent| latest.is_live(intent.created_at_ms));
        Ok((change.expect(&latest_key, latest.as_deref()), live))
    }

    /// What moves an intent, and what became of the move once that is written.
    async fn intent_change(
        &self,
        change: &IntentChange,
    ) -> StoreResult<(Change, IntentTransitionResult)> {
        let key = self.intent_key(&change.id);
        let webhook = change.webhook_event_id.as_deref();
        let webhook_key = webhook.map(|id| self.key("webhook", id));
        let keys: Vec<_> = std::iter::once(key.clone())
            .chain(webhook_key.clone())
            .collect();
        let found = self.load(&keys).await?;
        let text = found.first().and_then(Option::as_deref);
        let intent = text.map(read).transpose()?;
        let Some(intent) = intent.filter(|intent: &Intent| !intent.has_lapsed(change.now_ms))
        else {
            return Ok((Change::new(), IntentTransitionResult::NotFound));
        };
        let mut to_write = Change::new().expect(&key, text);
        if let Some(webhook_key) = &webhook_key {
            if found.get(1).is_some_and(Option::is_some) {
                return Ok((Change::new(), IntentTransitionResult::Duplicate(intent)));
            }
            let kept = Duration::from_millis(INTENT_KEPT_MS.unsigned_abs());
            to_write = to_write
                .expect(webhook_key, None)
                .set(webhook_key, "seen", Some(kept));
        }
        match intent.moved(change) {
            None => Ok((to_write, IntentTransitionResult::Refused(intent))),
            Some(moved) => {
                let to_write = self.write_move(to_write, &key, &moved, change.now_ms)?;
                Ok((to_write, IntentTransitionResult::Done(moved)))
            }
        }
    }

    fn write_move(
        &self,
        to_write: Change,
        key: &str,
        intent: &Intent,
        now_ms: i64,
    ) -> StoreResult<Change> {
        let ttl = kept_for(intent, now_ms);
        let mut to_write = to_write.set(key, &write(intent)?, ttl);
        if let Some(order_id) = intent.order_id {
            to_write = to_write.renew(&self.order_key(order_id), &intent.id, ttl);
        }
        let processing = self.processing_key();
        Ok(match intent.status {
            IntentStatus::Processing => to_write.list(&processing, &intent.id, now_ms),
            _ => to_write.unlist(&processing, &intent.id),
        })
    }
}

/// How long Redis keeps an intent from now on: for good while it is being charged.
fn kept_for(intent: &Intent, now_ms: i64) -> Option<Duration> {
    if intent.status == IntentStatus::Processing {
        return None;
    }
    let left_ms = intent.expires_at_ms.saturating_sub(now_ms);
    let kept_ms = left_ms
        .saturating_add(INTENT_KEPT_MS)
        .max(KEPT_AFTER_MOVE_MS);
    Some(Duration::from_millis(kept_ms.unsigned_abs()))
}

/// An intent as it is written; money in minor units.
#[derive(Serialize, Deserialize)]
struct Record {
    id: String,
    order_id: Option<Uuid>,
    owner: Option<String>,
    amount_minor: i64,
    currency: Currency,
    status: IntentStatus,
    reason: Option<String>,
    provider_charge_id: Option<String>,
    created_at_ms: i64,
    expires_at_ms: i64,
}

fn write(intent: &Intent) -> StoreResult<String> {
    let intent = intent.clone();
    encode(&Record {
        id: intent.id,
        order_id: intent.order_id,
        owner: intent.owner,
        amount_minor: intent.amount.amount.minor(),
        currency: intent.amount.currency,
        status: intent.status,
        reason: intent.reason,
        provider_charge_id: intent.provider_charge_id,
        created_at_ms: intent.created_at_ms,
        expires_at_ms: intent.expires_at_ms,
    })
}

fn read(text: &str) -> StoreResult<Intent> {
    let record: Record = decode(text)?;
    Ok(Intent {
        id: record.id,
        order_id: record.order_id,
        owner: record.owner,
        amount: Money::new(record.amount_minor, record.currency),
        status: record.status,
        reason: record.reason,
        provider_charge_id: record.provider_charge_id,
        created_at_ms: record.created_at_ms,
        expires_at_ms: record.expires_at_ms,
    })
}
