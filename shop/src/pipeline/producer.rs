//! The order producer: puts a generated order on the orders queue, again and again.
//!
//! The orders follow from the seed and their number, so two runs produce the same ones; each carries
//! an id that keeps it from being stored twice.

use std::sync::Arc;
use std::time::Duration;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use telemetry::catalogue::span_name;
use telemetry::span;
use uuid::Uuid;

use super::role_context::RoleContext;
use crate::queue::{Attributes, Outgoing, Queue, QueueError, Topic};
use crate::warning::RepeatedWarning;

/// The interval of the design this producer follows.
pub const INTERVAL_DEFAULT: Duration = Duration::from_secs(5 * 60);
/// Most different products in one generated order.
const ITEMS_MAX: usize = 4;
/// Most pieces of one product in a generated order.
const QUANTITY_MAX: u32 = 3;
/// Generated customers.
const CUSTOMERS: u32 = 10_000;

/// Makes orders and puts them on the queue.
pub struct Producer {
    queue: Arc<dyn Queue>,
    rng: ChaCha8Rng,
    products: u32,
}

impl Producer {
    /// A producer whose orders follow from `seed` and hold products 1 to `products`.
    pub fn new(queue: Arc<dyn Queue>, seed: u64, products: u32) -> Self {
        Producer {
            queue,
            rng: ChaCha8Rng::seed_from_u64(seed),
            products: products.max(1),
        }
    }

    /// Puts the next order on the queue; returns its id.
    pub async fn produce(&mut self) -> Result<Uuid, QueueError> {
        let order_id = uuid::Builder::from_random_bytes(self.rng.random()).into_uuid();
        let customer = self.rng.random_range(1..=CUSTOMERS);
        let order = json!({
            "orderId": order_id,
            "customerId": format!("customer-{customer}"),
            "email": format!("customer-{customer}@example.com"),
            "items": self.items(),
        });
        let span = span::producer(
            span_name::ORDER_PRODUCER_RUN,
            self.queue.system(),
            Topic::Orders.queue().name(),
        );
        let mut attributes = Attributes::new();
        if let Some(at) = span.context() {
            at.with_correlation_id(&order_id.to_string())
                .inject_attributes(&mut attributes);
        }
        let message = Outgoing {
            body: order.to_string(),
            attributes,
            delay: Duration::ZERO,
        };
        let queue = Arc::clone(&self.queue);
        span.run(async move { queue.send(Topic::Orders.queue(), &[message]).await })
            .await?;
        Ok(order_id)
    }

    fn items(&mut self) -> Vec<Value> {
        let count = self.rng.random_range(1..=ITEMS_MAX);
        (0..count)
            .map(|_| {
                let product_id = self.rng.random_range(1..=self.products);
                let quantity = self.rng.random_range(1..=QUANTITY_MAX);
                json!({ "productId": product_id, "quantity": quantity })
            })
            .collect()
    }
}

/// Produces an order every `every` until the role has to stop; the first at once.
pub(super) async fn run(role: Arc<RoleContext>, every: Duration) {
    let config = &role.context.config;
    let queue = Arc::clone(&role.context.resources.queue);
    // Another start continues with other orders instead of repeating the last ones.
    let seed = config.seed ^ crate::clock::now_ms().unsigned_abs();
    let mut producer = Producer::new(queue, seed, config.products);
    let trouble = RepeatedWarning::new();
    loop {
        let at = role.tracer.background().clone();
        match at.attach(producer.produce()).await {
            Ok(order_id) => tracing::info!(%order_id, "an order was produced"),
            Err(error) => trouble.failed(|suppressed| {
                tracing::warn!(%error, suppressed, "an order could not be produced");
            }),
        }
        if !role.rest(every).await {
            return;
        }
    }
}
