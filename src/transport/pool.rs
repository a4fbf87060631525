//! Connections that wait for their next request, and the bound on how many there are.
//!
//! One pool a shopper (as a browser has) or one a worker: the code is the same, only who holds it differs. A connection that carries
//! many requests at once stays here while it does.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use tokio::sync::{Notify, Semaphore, SemaphorePermit};

use super::Origin;
use super::connection::Connection;
use super::http2::Http2;

/// Idle connections to any origin, and permits for those in use.
pub(super) struct Pool {
    idle: RefCell<Vec<(Arc<Origin>, Connection)>>,
    in_use: Semaphore,
    multiplexed: RefCell<Vec<(Arc<Origin>, Rc<Http2>)>>,
    /// Connections for many requests to one origin.
    multiplexed_max: usize,
    /// Where a connection is just being opened to.
    opening: RefCell<Vec<Arc<Origin>>>,
    opened: Notify,
}

/// One connection being opened, to an origin of which is not yet known what it speaks.
pub(super) struct Opening<'p> {
    pool: &'p Pool,
    origin: Arc<Origin>,
}

impl Pool {
    /// Of one shopper: so many connections for one request at a time, or one for many, as in a browser.
    pub(super) fn of_shopper(connections_max: usize) -> Rc<Self> {
        Self::new(connections_max, 1)
    }

    /// Of a worker: so many connections of either kind.
    pub(super) fn shared(connections_max: usize) -> Rc<Self> {
        Self::new(connections_max, connections_max)
    }

    fn new(connections_max: usize, multiplexed_max: usize) -> Rc<Self> {
        let permits = connections_max.clamp(1, Semaphore::MAX_PERMITS);
        Rc::new(Self {
            idle: RefCell::default(),
            in_use: Semaphore::new(permits),
            multiplexed: RefCell::default(),
            multiplexed_max,
            opening: RefCell::default(),
            opened: Notify::new(),
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
        let found = idle.iter().rposition(|(to, _)| is_same(to, origin))?;
        Some(idle.remove(found).1)
    }

    /// Whether there is an idle connection to the origin.
    pub(super) fn has(&self, origin: &Arc<Origin>) -> bool {
        let idle = self.idle.borrow();
        idle.iter().any(|(to, _)| is_same(to, origin))
    }

    pub(super) fn put(&self, origin: Arc<Origin>, connection: Connection) {
        self.idle.borrow_mut().push((origin, connection));
    }

    /// A connection to the origin that carries many requests: one with a free stream, and if none has one and there may be no more,
    /// one to wait for. Those that take no more requests are forgotten; they end with the last request that they carry.
    pub(super) fn multiplexed(&self, origin: &Arc<Origin>) -> Option<Rc<Http2>> {
        let mut known = self.multiplexed.borrow_mut();
        let is_to = |to: &Arc<Origin>| is_same(to, origin);
        known.retain(|(to, http2)| !is_to(to) || http2.takes_requests());
        let those = || known.iter().filter(|(to, _)| is_to(to));
        let free = those().find(|(_, http2)| http2.may_have_room());
        let found = free.or_else(|| {
            let busy = those().min_by_key(|(_, http2)| http2.busy());
            busy.filter(|_| those().count() >= self.multiplexed_max)
        });
        found.map(|(_, http2)| http2.clone())
    }

    pub(super) fn keep(&self, origin: Arc<Origin>, http2: Rc<Http2>) {
        self.multiplexed.borrow_mut().push((origin, http2));
    }

    /// Marks that a connection is being opened; `None` if one is already.
    pub(super) fn opening(&self, origin: &Arc<Origin>) -> Option<Opening<'_>> {
        let mut opening = self.opening.borrow_mut();
        if opening.iter().any(|to| is_same(to, origin)) {
            return None;
        }
        opening.push(origin.clone());
        Some(Opening {
            pool: self,
            origin: origin.clone(),
        })
    }

    /// Waits until one that was being opened is open, or is given up.
    pub(super) async fn opened(&self) {
        self.opened.notified().await;
    }
}

impl Drop for Opening<'_> {
    fn drop(&mut self) {
        let mut opening = self.pool.opening.borrow_mut();
        opening.retain(|to| !is_same(to, &self.origin));
        self.pool.opened.notify_waiters();
    }
}

fn is_same(one: &Arc<Origin>, other: &Arc<Origin>) -> bool {
    Arc::ptr_eq(one, other) || one == other
}
