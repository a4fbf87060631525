//! Services: which exist, with name, port, telemetry name and public paths. The only such table.

use std::fmt;
use std::str::FromStr;

/// One HTTP service of the shop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Service {
    /// The only public door: routing, rate limit, request ids.
    Gateway,
    /// Products and orders.
    Orders,
    /// Session carts.
    Cart,
    /// Accounts and tokens.
    Auth,
    /// Payment intents and webhooks.
    Payment,
    /// Catalogue search.
    Search,
    /// Product recommendations.
    Recommendations,
    /// Mail to shoppers.
    Notifications,
}

/// What the shop knows of one service.
struct Row {
    service: Service,
    name: &'static str,
    telemetry_name: &'static str,
    port: u16,
    prefixes: &'static [&'static str],
}

const TABLE: [Row; 8] = [
    Row {
        service: Service::Gateway,
        name: "gateway",
        telemetry_name: "rum-shop-gateway",
        port: 5921,
        prefixes: &[],
    },
    Row {
        service: Service::Orders,
        name: "orders",
        telemetry_name: "rum-shop-order-service",
        port: 8080,
        prefixes: &[
            "/api/products",
            "/api/orders",
            "/api/admin/orders",
            "/api/admin/stock",
            "/api/admin/pipeline",
        ],
    },
    Row {
        service: Service::Cart,
        name: "cart",
        telemetry_name: "rum-shop-cart",
        port: 3001,
        prefixes: &["/api/cart"],
    },
    Row {
        service: Service::Auth,
        name: "auth",
        telemetry_name: "rum-shop-auth",
        port: 3002,
        prefixes: &["/api/auth"],
    },
    Row {
        service: Service::Payment,
        name: "payment",
        telemetry_name: "rum-shop-payment",
        port: 3003,
        prefixes: &["/api/payment", "/api/admin/charges"],
    },
    Row {
        service: Service::Search,
        name: "search",
        telemetry_name: "rum-shop-search",
        port: 3004,
        prefixes: &["/api/search"],
    },
    Row {
        service: Service::Recommendations,
        name: "recommendations",
        telemetry_name: "rum-shop-recommendations",
        port: 3005,
        prefixes: &["/api/recommendations"],
    },
    Row {
        service: Service::Notifications,
        name: "notifications",
        telemetry_name: "rum-shop-notifications",
        port: 3006,
        prefixes: &["/api/notifications"],
    },
];

impl Service {
    /// Every service, in the order of the table.
    pub fn all() -> impl Iterator<Item = Service> {
        TABLE.iter().map(|row| row.service)
    }

    /// The short name used in commands, files and `/health`.
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// The name under which the service reports telemetry.
    pub fn telemetry_name(self) -> &'static str {
        self.row().telemetry_name
    }

    /// The port it listens on when nothing else is configured.
    pub fn default_port(self) -> u16 {
        self.row().port
    }

    /// The public path prefixes that the gateway sends to this service.
    pub fn prefixes(self) -> &'static [&'static str] {
        self.row().prefixes
    }

    /// The service that answers a public path, if any.
    pub fn for_path(path: &str) -> Option<Service> {
        TABLE
            .iter()
            .find(|row| row.prefixes.iter().any(|prefix| is_under(path, prefix)))
            .map(|row| row.service)
    }

    fn row(self) -> &'static Row {
        &TABLE[self as usize]
    }
}

fn is_under(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that no service has.
#[derive(Debug, thiserror::Error)]
#[error("no service is called `{given}`; the services are {}", names())]
pub struct UnknownService {
    given: String,
}

impl FromStr for Service {
    type Err = UnknownService;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Service::all()
            .find(|service| service.name() == text)
            .ok_or_else(|| UnknownService {
                given: text.to_owned(),
            })
    }
}

fn names() -> String {
    Service::all()
        .map(Service::name)
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_enum() {
        for (index, row) in TABLE.iter().enumerate() {
            assert_eq!(row.service as usize, index);
            assert_eq!(row.name.parse::<Service>().unwrap(), row.service);
        }
    }

    #[test]
    fn paths_are_matched_by_whole_segments() {
        assert_eq!(Service::for_path("/api/cart"), Some(Service::Cart));
        assert_eq!(Service::for_path("/api/cart/x"), Some(Service::Cart));
        assert_eq!(Service::for_path("/api/cartoon"), None);
        assert_eq!(Service::for_path("/health"), None);
    }
}
