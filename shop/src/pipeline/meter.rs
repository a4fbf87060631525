//! The pipeline's metrics, in the pipeline's words.

use std::time::Duration;

use telemetry::catalogue::metric;
use telemetry::metrics::Registry;

use crate::money::Money;
use crate::order::Order;
use crate::queue::Depth;

/// Counts and measures under one service's name.
#[derive(Clone, Debug)]
pub(crate) struct Meter {
    registry: Registry,
}

impl Meter {
    pub(crate) fn new(registry: Registry) -> Self {
        Meter { registry }
    }

    pub(crate) fn message_processed(&self, queue: &str, outcome: &str, took: Duration) {
        self.registry
            .counter(
                metric::QUEUE_MESSAGES_PROCESSED,
                &[("queue", queue), ("outcome", outcome)],
            )
            .inc();
        self.registry
            .distribution(metric::QUEUE_PROCESSING_TIME, &[("queue", queue)])
            .observe(took.as_secs_f64() * 1_000.0);
    }

    /// An order was stored.
    pub(crate) fn order_created(&self, order: &Order) {
        self.registry
            .counter(metric::ORDERS_CREATED, &[("status", order.status.as_str())])
            .inc();
        self.registry
            .distribution(
                metric::ORDERS_VALUE,
                &[("currency", order.total.currency.code())],
            )
            .observe(order.total.amount.major());
    }

    /// The order came to rest: reserved, failed or cancelled.
    pub(crate) fn order_finished(&self, order: &Order) {
        let took_ms = order.updated_at_ms.saturating_sub(order.created_at_ms);
        self.registry
            .distribution(
                metric::ORDERS_PROCESSING_TIME,
                &[("outcome", order.status.as_str())],
            )
            .observe(took_ms.max(0) as f64);
    }

    pub(crate) fn payment_processed(&self, amount: Money) {
        self.registry.counter(metric::PAYMENTS_PROCESSED, &[]).inc();
        self.registry
            .distribution(
                metric::PAYMENTS_AMOUNT,
                &[("currency", amount.currency.code())],
            )
            .observe(amount.amount.major());
    }

    pub(crate) fn payment_failed(&self, reason: &str) {
        self.registry
            .counter(metric::PAYMENTS_FAILED, &[("reason", reason)])
            .inc();
    }

    pub(crate) fn inventory_reserved(&self) {
        self.registry.counter(metric::INVENTORY_RESERVED, &[]).inc();
    }

    pub(crate) fn inventory_failed(&self, reason: &str) {
        self.registry
            .counter(metric::INVENTORY_FAILED, &[("reason", reason)])
            .inc();
    }

    pub(crate) fn stock_level(&self, class: &str, pieces: u64) {
        self.registry
            .gauge(metric::INVENTORY_STOCK_LEVEL, &[("product_class", class)])
            .set(pieces as f64);
    }

    pub(crate) fn notification_sent(&self, kind: &str) {
        self.registry
            .counter(metric::NOTIFICATIONS_SENT, &[("type", kind)])
            .inc();
    }

    pub(crate) fn notification_failed(&self, kind: &str, reason: &str) {
        self.registry
            .counter(
                metric::NOTIFICATIONS_FAILED,
                &[("type", kind), ("reason", reason)],
            )
            .inc();
    }

    pub(crate) fn queue_depth(&self, queue: &str, depth: &Depth) {
        let gauge = |key, value: f64| self.registry.gauge(key, &[("queue", queue)]).set(value);
        gauge(metric::QUEUE_DEPTH, (depth.visible + depth.delayed) as f64);
        gauge(metric::QUEUE_IN_FLIGHT, depth.in_flight as f64);
        gauge(
            metric::QUEUE_OLDEST_MESSAGE_AGE,
            depth.oldest_age.as_secs_f64(),
        );
    }

    pub(crate) fn dead_letters(&self, queue: &str, count: u64) {
        self.registry
            .gauge(metric::QUEUE_DLQ_DEPTH, &[("queue", queue)])
            .set(count as f64);
    }

    pub(crate) fn dead_letter(&self, queue: &str, reason: &str) {
        self.registry
            .counter(
                metric::DLQ_MESSAGES,
                &[("queue", queue), ("reason", reason)],
            )
            .inc();
    }
}
