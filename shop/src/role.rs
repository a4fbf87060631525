//! The roles of the pipeline: their names, and the service beside which each runs. The only such table.

use crate::service::Service;

/// One part of the pipeline. Any number of processes may run the same one: events take effect once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, clap::ValueEnum)]
pub enum PipelineRole {
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

const ALL: [PipelineRole; 9] = [
    PipelineRole::Relay,
    PipelineRole::Orders,
    PipelineRole::Payments,
    PipelineRole::Inventory,
    PipelineRole::Notifications,
    PipelineRole::OrderUpkeep,
    PipelineRole::PaymentUpkeep,
    PipelineRole::DeadLetters,
    PipelineRole::Producer,
];

impl PipelineRole {
    /// Every role, in the order of the enum.
    pub fn all() -> impl Iterator<Item = PipelineRole> {
        ALL.into_iter()
    }

    /// The service under whose name it reports, and beside which it runs unless it is placed elsewhere.
    pub fn service(self) -> Service {
        match self {
            PipelineRole::Relay
            | PipelineRole::Orders
            | PipelineRole::Inventory
            | PipelineRole::OrderUpkeep
            | PipelineRole::DeadLetters
            | PipelineRole::Producer => Service::Orders,
            PipelineRole::Payments | PipelineRole::PaymentUpkeep => Service::Payment,
            PipelineRole::Notifications => Service::Notifications,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_role_is_listed_in_the_order_of_the_enum() {
        for (index, role) in PipelineRole::all().enumerate() {
            assert_eq!(role as usize, index);
        }
        assert_eq!(PipelineRole::Producer as usize + 1, ALL.len());
    }
}
