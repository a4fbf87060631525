//! The parts of the pipeline: their names, the service beside which each runs, and how it is started. The only such table.

use std::sync::Arc;

use tokio::task::JoinSet;

use super::consumer::{Consumer, Handle};
use super::part::Part;
use super::{dead_letters, intake, inventory, notifications, payments, producer, relay, sweeps};
use crate::service::Service;

/// One part of the pipeline. Any number of processes may run the same one: events take effect once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, clap::ValueEnum)]
pub enum Duty {
    /// Takes events from the outbox to their queues
    Relay,
    /// The queue worker: reads the orders queue and stores each order once
    Orders,
    /// Reads the payments queue: charges and refunds
    Payments,
    /// Reads the inventory queue: stock
    Inventory,
    /// Reads the notifications queue: mail
    Notifications,
    /// Cancels orders that nobody pays for, forgets old events, measures the stock
    OrderUpkeep,
    /// Decides payments that a crash cut off
    PaymentUpkeep,
    /// Watches the queues, and tries dead letters again that can be read
    DeadLetters,
    /// Puts generated orders on the orders queue, where `--produce-every` asks for it
    Producer,
}

/// What is known of one part.
struct Row {
    duty: Duty,
    /// It reports under this service's name, and runs beside it unless it is placed elsewhere.
    service: Service,
    start: fn(&mut JoinSet<()>, &Arc<Part>),
}

const TABLE: [Row; 9] = [
    Row {
        duty: Duty::Relay,
        service: Service::Orders,
        start: |parts, part| drop(parts.spawn(relay::run(Arc::clone(part)))),
    },
    Row {
        duty: Duty::Orders,
        service: Service::Orders,
        start: |parts, part| consume(parts, part, intake::Intake::new(Arc::clone(part))),
    },
    Row {
        duty: Duty::Payments,
        service: Service::Payment,
        start: |parts, part| consume(parts, part, payments::Payments::new(Arc::clone(part))),
    },
    Row {
        duty: Duty::Inventory,
        service: Service::Orders,
        start: |parts, part| consume(parts, part, inventory::Inventory::new(Arc::clone(part))),
    },
    Row {
        duty: Duty::Notifications,
        service: Service::Notifications,
        start: |parts, part| {
            consume(
                parts,
                part,
                notifications::Notifications::new(Arc::clone(part)),
            );
        },
    },
    Row {
        duty: Duty::OrderUpkeep,
        service: Service::Orders,
        start: |parts, part| drop(parts.spawn(sweeps::run_orders(Arc::clone(part)))),
    },
    Row {
        duty: Duty::PaymentUpkeep,
        service: Service::Payment,
        start: |parts, part| drop(parts.spawn(sweeps::run_intents(Arc::clone(part)))),
    },
    Row {
        duty: Duty::DeadLetters,
        service: Service::Orders,
        start: |parts, part| drop(parts.spawn(dead_letters::run(Arc::clone(part)))),
    },
    Row {
        duty: Duty::Producer,
        service: Service::Orders,
        start: |parts, part| {
            if let Some(every) = part.context.config.pipeline.produce_every {
                parts.spawn(producer::run(Arc::clone(part), every));
            }
        },
    },
];

impl Duty {
    /// Every part, in the order of the table.
    pub fn all() -> impl Iterator<Item = Duty> {
        TABLE.iter().map(|row| row.duty)
    }

    /// The service beside which it runs.
    pub fn service(self) -> Service {
        TABLE[self as usize].service
    }

    pub(super) fn start(self, parts: &mut JoinSet<()>, part: &Arc<Part>) {
        (TABLE[self as usize].start)(parts, part);
    }
}

fn consume(parts: &mut JoinSet<()>, part: &Arc<Part>, handler: impl Handle) {
    let consumer = Consumer::new(Arc::clone(part), Arc::new(handler));
    parts.spawn(consumer.run());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_enum() {
        for (index, row) in TABLE.iter().enumerate() {
            assert_eq!(row.duty as usize, index);
        }
    }
}
