//! Services: the list of them. Each is one file or folder, with its routes on top and its handlers below, and owns its
//! state; none knows another.

pub mod auth;
pub mod cart;
pub(crate) mod entry;
pub mod gateway;
pub mod notifications;
pub mod orders;
pub mod payment;
pub mod recommendations;
pub mod search;

use crate::service::Service;
use entry::Entry;

static SERVICES: [Entry; 8] = [
    gateway::SERVICE,
    orders::SERVICE,
    cart::SERVICE,
    auth::SERVICE,
    payment::SERVICE,
    search::SERVICE,
    recommendations::SERVICE,
    notifications::SERVICE,
];

/// The entry of a service.
pub(crate) fn entry(service: Service) -> &'static Entry {
    &SERVICES[service as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_in_the_order_of_the_enum() {
        for (service, entry) in Service::all().zip(&SERVICES) {
            assert_eq!(entry.service, service);
        }
        assert_eq!(SERVICES.len(), Service::all().count());
    }
}
