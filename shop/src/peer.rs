//! Calls between services: always HTTP, always with trace context and a deadline.

use std::collections::BTreeMap;

use crate::service::Service;

/// Where the other services are and how to reach them.
#[derive(Clone, Default)]
pub struct Peers {
    urls: BTreeMap<Service, String>,
}

impl Peers {
    /// Peers at these base URLs.
    pub fn new(urls: BTreeMap<Service, String>) -> Self {
        Peers { urls }
    }

    /// The base URL of a service, without a slash at its end.
    pub fn url(&self, service: Service) -> Option<&str> {
        self.urls.get(&service).map(String::as_str)
    }
}
