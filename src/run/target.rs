//! The system under test: someone's, or the embedded shop, which is started for the run.

use std::collections::BTreeMap;

use super::spec::RunSpec;
use crate::audit::reader::Reader;
use crate::embedded_shop::{EmbeddedShop, yield_to_generator};

/// Where the load goes.
pub(super) struct RunTarget {
    /// Its base URL.
    pub(super) url: String,
    embedded: Option<EmbeddedShop>,
    /// Highest resident memory of the embedded shop, bytes; known once it is stopped.
    pub(super) shop_memory_bytes_max: u64,
    /// The way to the shop's books: the embedded shop's, or those of a shop that is to be audited.
    pub(super) reader: Option<Reader>,
}

impl RunTarget {
    /// The scenario's target, or the embedded shop with this in its environment, as soon as it listens.
    pub(super) fn of(
        spec: &RunSpec,
        environment: &BTreeMap<&'static str, String>,
    ) -> anyhow::Result<Self> {
        if let Some(url) = &spec.scenario.target {
            // The token opens the books of a shop; a target that nobody asked to audit never sees it.
            let token = spec.books_token.as_ref().filter(|_| spec.audit);
            let reader = token.map(|token| Reader::new(url, token)).transpose()?;
            return Ok(Self {
                url: url.clone(),
                embedded: None,
                shop_memory_bytes_max: 0,
                reader,
            });
        }
        let shop = EmbeddedShop::start(spec.folder.path(), environment)?;
        yield_to_generator(&shop);
        tracing::info!(
            url = shop.url,
            ready_after_ms = shop.ready_after.as_millis() as u64,
            "the embedded shop is ready"
        );
        Ok(Self {
            url: shop.url.clone(),
            reader: Some(Reader::new(&shop.url, shop.audit_token())?),
            embedded: Some(shop),
            shop_memory_bytes_max: 0,
        })
    }

    /// Whether it is the embedded shop.
    pub(super) fn is_embedded(&self) -> bool {
        self.embedded.is_some()
    }

    /// Worker threads of a run against it.
    pub(super) fn workers(&self, spec: &RunSpec) -> u32 {
        let cores = crate::own::cores();
        let shared = self.is_embedded() && cores > 1;
        spec.workers
            .unwrap_or(if shared { cores - 1 } else { cores })
    }

    /// Stops what was started for the run.
    pub(super) fn stop(&mut self) {
        if let Some(shop) = &mut self.embedded {
            self.shop_memory_bytes_max = shop.memory_bytes_max();
            shop.stop();
        }
    }
}
