//! The threads that hash, and the line before them: bounded, and fair among clients and their accounts.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use argon2::Block;

use super::client::ClientNetwork;
use super::failures::Attempt;
use super::turns::{Line, Turns};

/// Hashes that may wait, of all clients together.
const QUEUE_JOBS_MAX: usize = 256;
/// Priority of the hashing threads: requests go first.
const NICENESS: i32 = 10;

/// Work for a thread; called without memory, it learns that it has lost its place.
pub(super) type Job = Box<dyn FnOnce(Option<&mut Vec<Block>>) + Send>;

/// The threads and their line.
pub(super) struct Pool {
    shared: Arc<PoolState>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

#[derive(Default)]
struct PoolState {
    state: Mutex<State>,
    ready: Condvar,
}

#[derive(Default)]
struct State {
    waiting: Turns<ClientNetwork, Turns<String, VecDeque<Job>>>,
    closed: bool,
}

/// Why a job was not taken.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// Too many wait, and no client has more in line than this one.
    Crowded,
    /// The pool is closed.
    Closed,
}

impl Pool {
    /// Starts the threads.
    pub(super) fn start(thread_count: usize) -> std::io::Result<Self> {
        let shared = Arc::new(PoolState::default());
        let threads = (0..thread_count)
            .map(|_| {
                let shared = Arc::clone(&shared);
                std::thread::Builder::new()
                    .name("password".into())
                    .spawn(move || shared.run())
            })
            .collect::<Result<_, _>>()?;
        Ok(Pool {
            shared,
            threads: Mutex::new(threads),
        })
    }

    /// Puts a job in line. When the line is full, the client that has most in it loses its newest job.
    pub(super) fn submit(&self, whose: Attempt, job: Job) -> Result<(), Refused> {
        let mut state = self.shared.state();
        if state.closed {
            return Err(Refused::Closed);
        }
        let mut displaced = None;
        if state.waiting.len() >= QUEUE_JOBS_MAX {
            if state.waiting.len_of(&whose.client) + 1 >= state.waiting.len_of_longest() {
                return Err(Refused::Crowded);
            }
            displaced = state.waiting.take_newest();
        }
        let line = state.waiting.line_of(whose.client);
        line.line_of(whose.account).push_back(job);
        drop(state);
        self.shared.ready.notify_one();
        if let Some(displaced) = displaced {
            displaced(None);
        }
        Ok(())
    }

    /// Finishes what waits and joins the threads. Blocks; harmless twice.
    pub(super) fn close(&self) {
        self.shared.state().closed = true;
        self.shared.ready.notify_all();
        let threads =
            std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            if thread.join().is_err() {
                tracing::error!("a password thread panicked");
            }
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.close();
    }
}

impl PoolState {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self) {
        if let Err(error) = rustix::process::nice(NICENESS) {
            tracing::debug!(%error, "cannot lower the priority of password hashing");
        }
        // Kept from hash to hash: touching 19 MiB of fresh pages would cost as much as a tenth of it.
        let mut memory = Vec::new();
        while let Some(job) = self.next() {
            job(Some(&mut memory));
        }
    }

    /// The job whose turn it is; nothing when the pool is closed and empty.
    fn next(&self) -> Option<Job> {
        let mut state = self.state();
        loop {
            if let Some(job) = state.waiting.take_next() {
                return Some(job);
            }
            if state.closed {
                return None;
            }
            let woken = self.ready.wait(state);
            state = woken.unwrap_or_else(PoisonError::into_inner);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};
    use std::sync::mpsc::{Sender, channel};

    use super::*;

    fn of_host(host: u8) -> Attempt {
        Attempt {
            account: "ann@example.com".into(),
            client: ClientNetwork::of(IpAddr::V4(Ipv4Addr::new(10, 0, 0, host))),
        }
    }

    /// Says whether it ran or was displaced.
    fn job(name: u32, done: &Sender<(u32, bool)>) -> Job {
        let done = done.clone();
        Box::new(move |memory| done.send((name, memory.is_some())).unwrap())
    }

    #[test]
    fn a_full_line_has_room_for_others_at_the_cost_of_who_filled_it() {
        let pool = Pool::start(1).unwrap();
        let (done, outcomes) = channel();
        // Holds the only thread until the line is as it should be.
        let (go, gate) = channel::<()>();
        let (begun, running) = channel();
        let hold: Job = Box::new(move |_| {
            begun.send(()).unwrap();
            gate.recv().unwrap();
        });
        pool.submit(of_host(0), hold).unwrap();
        running.recv().unwrap();
        let flood = u32::try_from(QUEUE_JOBS_MAX).unwrap();
        for name in 0..flood {
            pool.submit(of_host(1), job(name, &done)).unwrap();
        }
        let crowded = pool.submit(of_host(1), job(flood, &done));
        assert_eq!(crowded, Err(Refused::Crowded));
        pool.submit(of_host(2), job(9_999, &done)).unwrap();
        go.send(()).unwrap();
        pool.close();
        let closed = pool.submit(of_host(3), job(0, &done));
        assert_eq!(closed, Err(Refused::Closed));
        let outcomes: Vec<_> = outcomes.try_iter().collect();
        assert_eq!(outcomes.len(), QUEUE_JOBS_MAX + 1);
        assert_eq!(outcomes[0], (flood - 1, false), "the newest lost its place");
        assert_eq!(
            outcomes[2],
            (9_999, true),
            "the other's turn was the second"
        );
        assert!(outcomes[1..].iter().all(|(_, ran)| *ran));
    }
}
