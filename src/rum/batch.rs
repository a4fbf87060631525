//! A browser's batch: events wait in it until it is full, old, or the page is closed.
//!
//! The newest state of a view replaces the one that still waits.

use std::time::Duration;

use uuid::Uuid;

/// Events that fill a batch.
pub const EVENTS_MAX: u32 = 50;
/// Bytes that fill a batch.
pub const BYTES_MAX: usize = 16 * 1024;
/// How long the first event of a batch waits at most.
pub const AGE_MAX: Duration = Duration::from_secs(30);

/// Events that leave together, a line each, without a line break at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payload {
    /// The lines.
    pub body: Vec<u8>,
    /// How many there are.
    pub events: u32,
    /// Whether the page was closed: a browser sends these as a beacon.
    pub is_exit: bool,
    /// What the browser says in `user-agent`.
    pub user_agent: &'static str,
}

/// Events of one browser that wait.
#[derive(Debug, Default)]
pub(super) struct Batch {
    lines: Vec<u8>,
    views: Vec<(Uuid, Vec<u8>)>,
    view_bytes: usize,
    events: u32,
    /// When the first of them came.
    opened: Option<Duration>,
    user_agent: &'static str,
}

impl Batch {
    pub(super) fn of(user_agent: &'static str) -> Self {
        Self {
            user_agent,
            ..Self::default()
        }
    }

    /// Bytes that wait.
    pub(super) fn bytes(&self) -> usize {
        self.lines.len() + self.view_bytes
    }

    /// When it is too old, if anything waits.
    pub(super) fn due(&self) -> Option<Duration> {
        self.opened.map(|opened| opened + AGE_MAX)
    }

    /// Adds an event that `write` appends.
    pub(super) fn add(
        &mut self,
        at: Duration,
        write: impl FnOnce(&mut Vec<u8>),
        out: &mut Vec<Payload>,
    ) {
        let before = self.lines.len();
        if before > 0 {
            self.lines.push(b'\n');
        }
        write(&mut self.lines);
        let added = self.lines.len() - before;
        if self.events > 0 && self.bytes() >= BYTES_MAX {
            let line = self.lines.split_off(before + usize::from(before > 0));
            self.lines.truncate(before);
            self.flush(false, out);
            self.lines = line;
        }
        self.count(at, usize::from(added > 0), out);
    }

    /// Adds the newest state of a view, in place of an older one.
    pub(super) fn upsert(
        &mut self,
        at: Duration,
        view: Uuid,
        write: impl FnOnce(&mut Vec<u8>),
        out: &mut Vec<Payload>,
    ) {
        let waiting = self.views.iter_mut().find(|(id, _)| *id == view);
        if let Some((_, line)) = waiting {
            self.view_bytes -= line.len() + 1;
            line.clear();
            write(line);
            self.view_bytes += line.len() + 1;
            return self.count(at, 0, out);
        }
        let mut line = Vec::new();
        write(&mut line);
        if self.events > 0 && self.bytes() + line.len() >= BYTES_MAX {
            self.flush(false, out);
        }
        self.view_bytes += line.len() + 1;
        self.views.push((view, line));
        self.count(at, 1, out);
    }

    fn count(&mut self, at: Duration, events: usize, out: &mut Vec<Payload>) {
        self.events += events as u32;
        self.opened.get_or_insert(at);
        if self.events >= EVENTS_MAX || self.bytes() >= BYTES_MAX {
            self.flush(false, out);
        }
    }

    /// Sends what waits.
    pub(super) fn flush(&mut self, is_exit: bool, out: &mut Vec<Payload>) {
        self.opened = None;
        let events = std::mem::take(&mut self.events);
        if events == 0 {
            return;
        }
        let mut body = std::mem::take(&mut self.lines);
        for (_, line) in self.views.drain(..) {
            if !body.is_empty() {
                body.push(b'\n');
            }
            body.extend_from_slice(&line);
        }
        self.view_bytes = 0;
        out.push(Payload {
            body,
            events,
            is_exit,
            user_agent: self.user_agent,
        });
    }
}
