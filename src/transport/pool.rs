//! Connections that wait for their next request, and the bound on how many there are.
//!
//! One pool a shopper (as a browser has) or one a worker: the code is the same, only who holds it differs.

use std::cell::{Cell, RefCell};
use std::ops::Deref;
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

/// Counts open connections of one worker against a bound.
#[derive(Clone)]
pub(super) struct OpenCount {
    open: Rc<Cell<u32>>,
    max: u32,
}

impl OpenCount {
    pub(super) fn new(max: u32) -> Self {
        Self {
            open: Rc::new(Cell::new(0)),
            max,
        }
    }

    pub(super) fn get(&self) -> u32 {
        self.open.get()
    }

    /// One more, unless the bound is reached; counted until the guard is dropped.
    pub(super) fn open(&self) -> Option<OpenGuard> {
        if self.open.get() >= self.max {
            return None;
        }
        Some(Counted::new(self.open.clone()))
    }
}

/// One open connection.
pub(super) type OpenGuard = Counted<Rc<Cell<u32>>>;

/// One more in a count, for as long as it lasts.
pub(super) struct Counted<C: Deref<Target = Cell<u32>>>(C);

impl<C: Deref<Target = Cell<u32>>> Counted<C> {
    pub(super) fn new(count: C) -> Self {
        count.set(count.get() + 1);
        Self(count)
    }
}

impl<C: Deref<Target = Cell<u32>>> Drop for Counted<C> {
    fn drop(&mut self) {
        self.0.set(self.0.get().saturating_sub(1));
    }
}
