//! Payment intents with a time to live.

use async_trait::async_trait;
use uuid::Uuid;

use super::StoreResult;
use crate::money::Money;

/// Where a payment intent stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
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

/// How long a lapsed intent and a seen webhook id are kept at least, in milliseconds.
pub(crate) const INTENT_KEPT_MS: i64 = 24 * 3_600 * 1_000;

impl Intent {
    /// Whether it has lapsed: the shopper did not confirm it in time. Reads as absent.
    pub(crate) fn has_lapsed(&self, now_ms: i64) -> bool {
        self.status == IntentStatus::RequiresConfirmation && self.expires_at_ms <= now_ms
    }

    /// Whether it stands in the way of another intent for the same order.
    pub(crate) fn is_live(&self, now_ms: i64) -> bool {
        match self.status {
            IntentStatus::RequiresConfirmation => !self.has_lapsed(now_ms),
            IntentStatus::Processing | IntentStatus::Succeeded => true,
            IntentStatus::Failed | IntentStatus::Cancelled => false,
        }
    }

    /// The intent after a move, if it is where the caller thinks.
    pub(crate) fn moved(&self, change: &IntentChange) -> Option<Intent> {
        let is_there = change.from.contains(&self.status);
        is_there.then(|| Intent {
            status: change.to,
            reason: change.reason.clone(),
            provider_charge_id: (change.provider_charge_id.clone())
                .or_else(|| self.provider_charge_id.clone()),
            ..self.clone()
        })
    }
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IntentTransitionResult {
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
    async fn change(&self, change: IntentChange) -> StoreResult<IntentTransitionResult>;
    /// Intents whose confirmation began before `before_ms` and never ended, at most `limit`.
    async fn processing_since(&self, before_ms: i64, limit: u32) -> StoreResult<Vec<Intent>>;
    /// Removes intents that lapsed a day ago, other than those being charged, and webhook ids as old, at
    /// most `limit` of each; returns how many. A store that forgets by itself has nothing to do.
    async fn sweep(&self, now_ms: i64, limit: u32) -> StoreResult<usize>;
}
