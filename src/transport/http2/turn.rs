//! Who moves a connection of HTTP/2 on: one of the exchanges that are under way on it, in its own task, or, while there is none, the
//! worker's upkeep, so that a server's pings are answered while shoppers think.
//!
//! No task per connection: what an answer wakes is the shopper that waits for it. Must not know: requests, answers.

use std::cell::{Cell, RefCell};
use std::future::{Future as _, poll_fn};
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use bytes::Bytes;
use h2::client;
use slab::Slab;

use crate::transport::counted::OpenGuard;
use crate::transport::stream::Stream;

/// A connection's frames.
type Frames = client::Connection<Stream, Bytes>;

/// A connection and whoever's turn it is to move it on.
pub(super) struct Driver {
    /// Until the connection is over.
    frames: RefCell<Option<(Frames, OpenGuard)>>,
    signal: Arc<Signal>,
    /// Wakes by the signal.
    waker: Waker,
    /// Exchanges under way.
    exchanges: RefCell<Slab<Waker>>,
    /// The one of them whose turn it is.
    driving: Cell<Option<usize>>,
    tending: Rc<Tending>,
}

/// One exchange's part in a connection; given up when dropped.
pub(super) struct Turn<'d> {
    driver: &'d Driver,
    key: usize,
}

/// What is woken when a connection can move on.
struct Signal {
    /// Something has come, or can be written, since it was last moved on.
    is_woken: AtomicBool,
    /// Whoever wakes it now moves it on himself.
    is_muted: AtomicBool,
    /// The task whose turn it is; the worker's upkeep without one.
    driver: Mutex<Option<Waker>>,
    key: usize,
    queued: AtomicBool,
    queue: Arc<Queue>,
}

/// Connections that wait for the worker's upkeep: each stands in it once, so there are never more than connections.
#[derive(Default)]
struct Queue {
    keys: Mutex<Vec<usize>>,
    upkeep: Mutex<Option<Waker>>,
}

/// The connections of a worker that nobody uses just now.
#[derive(Default)]
pub(crate) struct Tending {
    connections: RefCell<Slab<Weak<Driver>>>,
    queue: Arc<Queue>,
}

impl Tending {
    /// Moves on what nobody uses, for ever: part of the worker's upkeep.
    pub(crate) async fn tend(self: Rc<Self>) {
        loop {
            for key in poll_fn(|cx| self.queue.poll_take(cx)).await {
                let found = self.connections.borrow().get(key).and_then(Weak::upgrade);
                if let Some(driver) = found {
                    driver.signal.queued.store(false, Ordering::Relaxed);
                    driver.drive();
                }
            }
        }
    }
}

impl Driver {
    pub(super) fn new(frames: Frames, open: OpenGuard, tending: &Rc<Tending>) -> Rc<Self> {
        let key = tending.connections.borrow_mut().insert(Weak::new());
        let signal = Arc::new(Signal {
            is_woken: AtomicBool::new(true),
            is_muted: AtomicBool::new(false),
            driver: Mutex::new(None),
            key,
            queued: AtomicBool::new(false),
            queue: tending.queue.clone(),
        });
        let driver = Rc::new(Self {
            frames: RefCell::new(Some((frames, open))),
            waker: Waker::from(signal.clone()),
            signal,
            exchanges: RefCell::default(),
            driving: Cell::new(None),
            tending: tending.clone(),
        });
        tending.connections.borrow_mut()[key] = Rc::downgrade(&driver);
        driver
    }

    /// Whether it is not over.
    pub(super) fn is_open(&self) -> bool {
        self.frames.borrow().is_some()
    }

    /// Reads and writes what there is, if there can be any; tells whether there could.
    pub(super) fn drive_if_woken(&self) -> bool {
        let is_woken = self.signal.is_woken.load(Ordering::Relaxed);
        if is_woken {
            self.drive();
        }
        is_woken
    }

    /// Reads and writes what there is. Tasks that wait for what came are woken.
    pub(super) fn drive(&self) {
        self.signal.is_woken.store(false, Ordering::Relaxed);
        let mut frames = self.frames.borrow_mut();
        let cx = &mut Context::from_waker(&self.waker);
        // How it ended, its streams know.
        if let Some((connection, _)) = &mut *frames
            && Pin::new(connection).poll(cx).is_ready()
        {
            *frames = None;
        }
    }

    /// Does what gives the connection something to do, and wakes nobody for it: the caller goes on with [`Self::drive`].
    pub(super) fn quietly<T>(&self, act: impl FnOnce() -> T) -> T {
        self.signal.is_muted.store(true, Ordering::Relaxed);
        let done = act();
        self.signal.is_muted.store(false, Ordering::Relaxed);
        done
    }

    /// Lets go of what is left of a stream that has ended, or, if it is `open` still, ends it. That makes the library wake the
    /// connection (it may be time to close it) and forget how it is woken; where others go on, it is moved on once more, so that it
    /// knows again.
    pub(super) fn forget<T>(&self, stream: T, open: bool) {
        let was_woken = self.signal.is_woken.load(Ordering::Relaxed);
        self.quietly(|| drop(stream));
        match self.exchanges.borrow().len() {
            0 | 1 if !open => self.signal.is_woken.store(was_woken, Ordering::Relaxed),
            _ => self.drive(),
        }
    }

    /// Takes part.
    pub(super) fn join(&self) -> Turn<'_> {
        let key = self.exchanges.borrow_mut().insert(Waker::noop().clone());
        Turn { driver: self, key }
    }
}

impl Turn<'_> {
    /// Moves the connection on, if it can be; tells whether it could. To be called whenever the exchange's task runs.
    pub(super) fn poll(&self, cx: &Context<'_>) -> bool {
        let driver = self.driver;
        let mut exchanges = driver.exchanges.borrow_mut();
        // `clone_from` does nothing where both wake the same task.
        exchanges[self.key].clone_from(cx.waker());
        drop(exchanges);
        let is_mine = match driver.driving.get() {
            Some(key) => key == self.key,
            None => {
                driver.driving.set(Some(self.key));
                true
            }
        };
        if is_mine {
            driver.signal.is_driven_by(cx.waker());
        }
        driver.drive_if_woken()
    }
}

impl Drop for Turn<'_> {
    /// Another's turn it is now; he is woken if there is something to do.
    fn drop(&mut self) {
        let driver = self.driver;
        let mut exchanges = driver.exchanges.borrow_mut();
        exchanges.try_remove(self.key);
        if driver.driving.get() != Some(self.key) {
            return;
        }
        let next = exchanges.iter().next();
        driver.driving.set(next.map(|(key, _)| key));
        *driver.signal.driver() = next.map(|(_, waker)| waker.clone());
        if driver.signal.is_woken.load(Ordering::Relaxed) {
            driver.signal.call();
        }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let mut connections = self.tending.connections.borrow_mut();
        connections.try_remove(self.signal.key);
    }
}

impl Signal {
    fn driver(&self) -> MutexGuard<'_, Option<Waker>> {
        self.driver.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_driven_by(&self, waker: &Waker) {
        let mut driver = self.driver();
        if !driver.as_ref().is_some_and(|known| known.will_wake(waker)) {
            *driver = Some(waker.clone());
        }
    }

    fn call(&self) {
        match &*self.driver() {
            Some(driver) => driver.wake_by_ref(),
            None if !self.queued.swap(true, Ordering::Relaxed) => self.queue.push(self.key),
            None => {}
        }
    }
}

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.is_woken.store(true, Ordering::Relaxed);
        if !self.is_muted.load(Ordering::Relaxed) {
            self.call();
        }
    }
}

impl Queue {
    fn push(&self, key: usize) {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        keys.push(key);
        drop(keys);
        let upkeep = self.upkeep.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(upkeep) = &*upkeep {
            upkeep.wake_by_ref();
        }
    }

    fn poll_take(&self, cx: &Context<'_>) -> Poll<Vec<usize>> {
        let mut upkeep = self.upkeep.lock().unwrap_or_else(PoisonError::into_inner);
        *upkeep = Some(cx.waker().clone());
        drop(upkeep);
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        match keys.is_empty() {
            true => Poll::Pending,
            false => Poll::Ready(std::mem::take(&mut *keys)),
        }
    }
}
