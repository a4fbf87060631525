//! Who reports: service, environment and version. It must not know how they were configured.

use std::sync::Arc;

use crate::catalogue::attribute;

/// The unified service tags of one service. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Identity {
    service: Arc<str>,
    env: Arc<str>,
    version: Arc<str>,
}

impl Identity {
    /// The identity of `service` (its telemetry name, such as `rum-shop-cart`).
    pub fn new(
        service: impl Into<Arc<str>>,
        env: impl Into<Arc<str>>,
        version: impl Into<Arc<str>>,
    ) -> Self {
        Self {
            service: service.into(),
            env: env.into(),
            version: version.into(),
        }
    }

    /// The telemetry name of the service.
    pub fn service(&self) -> &str {
        &self.service
    }

    /// The environment, such as `dev`.
    pub fn env(&self) -> &str {
        &self.env
    }

    /// The version of the service.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The resource attributes that go with every exported span, in both generations.
    pub fn resource_attributes(&self) -> [(&'static str, &str); 4] {
        [
            (attribute::SERVICE_NAME, self.service()),
            (attribute::DEPLOYMENT_ENVIRONMENT_NAME, self.env()),
            (attribute::DEPLOYMENT_ENVIRONMENT, self.env()),
            (attribute::SERVICE_VERSION, self.version()),
        ]
    }
}
