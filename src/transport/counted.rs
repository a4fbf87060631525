//! Counts that go up and down with guards: open connections, and exchanges that may be read late.

use std::cell::Cell;
use std::ops::Deref;
use std::rc::Rc;

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
