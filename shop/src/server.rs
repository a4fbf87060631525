//! How the shop lives and dies: bind, serve, drain.

use std::collections::BTreeMap;

use crate::config::Config;
use crate::service::Service;

/// Starts shops.
pub struct Shop;

/// A shop whose ports listen.
pub struct RunningShop {
    urls: BTreeMap<Service, String>,
}

/// How a shutdown went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// Everything under way was finished.
    Drained,
    /// The deadline cut something off.
    CutOff,
}

impl Shop {
    /// Opens the stores, binds every port, then serves.
    pub async fn start(config: Config) -> anyhow::Result<RunningShop> {
        anyhow::bail!("not built yet: {}", config.data_dir.display())
    }
}

impl RunningShop {
    /// The base URL of a service of this process.
    pub fn url(&self, service: Service) -> Option<&str> {
        self.urls.get(&service).map(String::as_str)
    }

    /// Stops accepting, lets requests finish, stops the pipeline, closes the stores.
    pub async fn shutdown(self) -> Stopped {
        Stopped::Drained
    }
}
