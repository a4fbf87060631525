//! What time does: unpaid orders lapse, undecided intents are decided, old memories are dropped, gauges are read.

use std::sync::Arc;
use std::time::Duration;

use super::intents;
use super::role_context::RoleContext;
use crate::clock::now_ms;
use crate::store::StoreResult;
use crate::warning::RepeatedWarning;

/// How often orders are swept.
const ORDERS_INTERVAL: Duration = Duration::from_secs(1);
/// How often intents are swept.
const INTENTS_INTERVAL: Duration = Duration::from_secs(2);
/// Rounds of the orders' sweep between two looks at the stock, which reads the whole catalogue.
const STOCK_ROUNDS: u64 = 10;
/// Things swept in one transaction.
const SWEEP_MAX: u32 = 200;
/// How long a handled event is remembered: longer than a message can live (SQS: 14 days).
const MEMORY: Duration = Duration::from_secs(15 * 24 * 60 * 60);
/// A confirmation that takes longer than this was cut off by a crash or an outage.
const CONFIRMATION_MAX: Duration = Duration::from_secs(15);

/// Sweeps orders until the role has to stop.
pub(super) async fn run_orders(role: Arc<RoleContext>) {
    let trouble = RepeatedWarning::of_rounds(ORDERS_INTERVAL);
    for round in 0u64.. {
        match sweep_orders(&role, round).await {
            Ok(()) => {
                trouble.recovered(|failures| tracing::info!(failures, "orders are swept again"));
            }
            Err(error) => trouble.failed(|suppressed| {
                tracing::warn!(%error, suppressed, "orders could not be swept");
            }),
        }
        if !role.rest(ORDERS_INTERVAL).await {
            return;
        }
    }
}

async fn sweep_orders(role: &RoleContext, round: u64) -> StoreResult<()> {
    let store = &role.context.stores.pipeline;
    let now = now_ms();
    let lapsed_before = now - millis(role.context.config.intent_ttl);
    for order_id in store.expire_unpaid(lapsed_before, now, SWEEP_MAX).await? {
        tracing::info!(%order_id, "an order was cancelled because nobody paid");
        if let Some(order) = role.context.stores.orders.get(order_id).await? {
            role.meter.order_finished(&order);
        }
    }
    if round.is_multiple_of(STOCK_ROUNDS) {
        store
            .forget_handled(now - millis(MEMORY), SWEEP_MAX)
            .await?;
        for (class, pieces) in role.context.stores.stock.by_category().await? {
            role.meter.stock_level(&class, pieces);
        }
    }
    Ok(())
}

/// Sweeps payment intents until the role has to stop; first thing after the start.
pub(super) async fn run_intents(role: Arc<RoleContext>) {
    let trouble = RepeatedWarning::of_rounds(INTENTS_INTERVAL);
    let undecided = RepeatedWarning::of_rounds(INTENTS_INTERVAL);
    loop {
        match sweep_intents(&role, &undecided).await {
            Ok(()) => trouble.recovered(|failures| {
                tracing::info!(failures, "payment intents are swept again");
            }),
            Err(error) => trouble.failed(|suppressed| {
                tracing::warn!(%error, suppressed, "payment intents could not be swept");
            }),
        }
        if !role.rest(INTENTS_INTERVAL).await {
            return;
        }
    }
}

async fn sweep_intents(role: &RoleContext, undecided: &RepeatedWarning) -> anyhow::Result<()> {
    let store = &role.context.stores.intents;
    let now = now_ms();
    let stuck = store
        .processing_since(now - millis(CONFIRMATION_MAX), SWEEP_MAX)
        .await?;
    for intent in stuck {
        let at = role.tracer.background().child();
        let id = intent.id.clone();
        if let Err(error) = at.attach(intents::resume(&role.context, intent)).await {
            undecided.failed(|suppressed| {
                tracing::warn!(%error, suppressed, intent_id = %id, "a payment intent stays undecided for now");
            });
        }
    }
    store.sweep(now, SWEEP_MAX).await?;
    Ok(())
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
