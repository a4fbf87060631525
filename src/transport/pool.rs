//! Connections that wait for their next request, and the bound on how many there are.
//!
//! One pool a shopper (as a browser has) or one a worker: the code is the same, only who holds it differs.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use tokio::sync::{Semaphore, SemaphorePermit};

use super::Origin;
use super::connection::Connection;

/// Idle connections to any origin, and permits for those in use.
pub(super) struct Pool {
    idle: RefCell<Vec<(Arc<Origin>, Connection)>>,
    in_use: Semaphore,
}

impl Pool {
    pub(super) fn new(connections_max: usize) -> Rc<Self> {
        let permits = connections_max.clamp(1, Semaphore::MAX_PERMITS);
        Rc::new(Self {
            idle: RefCell::new(Vec::new()),
            in_use: Semaphore::new(permits),
        })
    }

    /// Waits for the right to use one connection.
    pub(super) async fn permit(&self) -> Option<SemaphorePermit<'_>> {
        match self.in_use.try_acquire() {
            Ok(permit) => Some(permit),
            // The semaphore is never closed.
            Err(_) => self.in_use.acquire().await.ok(),
        }
    }

    /// The most recently used idle connection to the origin: warm, and the others may age and close.
    pub(super) fn take(&self, origin: &Arc<Origin>) -> Option<Connection> {
        let mut idle = self.idle.borrow_mut();
        let found = idle
            .iter()
            .rposition(|(to, _)| Arc::ptr_eq(to, origin) || to == origin)?;
        Some(idle.remove(found).1)
    }

    pub(super) fn put(&self, origin: Arc<Origin>, connection: Connection) {
        self.idle.borrow_mut().push((origin, connection));
    }
}
