//! The queue on disk: the semantics of SQS in one SQLite file, for any number of processes.
//!
//! A message is one row; receiving it moves its time of visibility and raises its count, in one
//! transaction, so two receivers never hold it together. Waiting receivers of this process are woken
//! at once, those of other processes look again every [`POLL_INTERVAL`].

use std::{
    path::Path,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, Row, params};
use tokio::sync::Notify;

use super::{
    Attributes, Depth, MAX_RECEIVES, Outgoing, Peeked, Queue, QueueError, QueueId, Receive,
    Received, Topic, WAIT_MAX, check_batch, check_count, check_visibility,
};
use crate::{
    clock::now_ms,
    db::{Db, DbError, DbOptions, Durability, Migration},
    fault::{Faults, Point},
};

/// How often a waiting receiver looks for what other processes sent.
const POLL_INTERVAL: Duration = Duration::from_millis(50);
/// Threads that answer depth, peek and waiting receivers.
const READERS: usize = 1;

/// The schema of the queue's file.
pub const MIGRATIONS: &[Migration] = &[Migration {
    version: 1,
    name: "messages",
    up: "CREATE TABLE messages (
             seq INTEGER PRIMARY KEY AUTOINCREMENT,
             queue TEXT NOT NULL,
             body TEXT NOT NULL,
             attributes TEXT NOT NULL,
             sent_at_ms INTEGER NOT NULL,
             visible_at_ms INTEGER NOT NULL,
             receive_count INTEGER NOT NULL DEFAULT 0
         ) STRICT;
         CREATE INDEX messages_by_visibility ON messages (queue, visible_at_ms, seq);",
    down: "DROP TABLE messages;",
}];

/// The queues in one file.
pub struct EmbeddedQueue {
    faults: Faults,
    db: Db,
    /// One for each topic, then one for each topic's dead letters.
    arrivals: [Notify; Topic::ALL.len() * 2],
}

impl EmbeddedQueue {
    /// Lets faults act on what is sent, received and deleted.
    #[must_use]
    pub fn with_faults(mut self, faults: &Faults) -> Self {
        self.faults = faults.clone();
        self
    }

    /// Opens or makes the file.
    pub fn open(path: &Path, durability: Durability) -> Result<Self, DbError> {
        let options = DbOptions {
            path: path.to_owned(),
            durability,
            readers: READERS,
        };
        Ok(Self {
            faults: Faults::default(),
            db: Db::open(&options, MIGRATIONS)?,
            arrivals: Default::default(),
        })
    }

    /// Finishes what waits and closes the file. Blocks.
    pub fn close(&self) {
        self.db.close();
    }

    fn arrivals(&self, queue: QueueId) -> &Notify {
        let base = if queue.is_dead_letter() {
            Topic::ALL.len()
        } else {
            0
        };
        &self.arrivals[base + queue.topic() as usize]
    }

    async fn take(&self, queue: QueueId, how: Receive) -> Result<Vec<Received>, QueueError> {
        let taken = self
            .db
            .write(move |connection| take(connection, queue, how, now_ms()))
            .await?;
        if taken.buried {
            self.arrivals(queue.topic().dead_letters()).notify_waiters();
        }
        Ok(taken.received)
    }

    /// When the first message can be received, in milliseconds since the Unix epoch.
    async fn next_visible_ms(&self, queue: QueueId) -> Result<Option<i64>, QueueError> {
        let next = self
            .db
            .read(move |connection| Ok(next_visible(connection, queue)?))
            .await?;
        Ok(next)
    }

    /// Sleeps until something may have become visible, at the latest at `deadline`.
    async fn wait(
        &self,
        queue: QueueId,
        arrival: impl Future<Output = ()>,
        deadline: Instant,
    ) -> Result<(), QueueError> {
        let due = self.next_visible_ms(queue).await?;
        let until_due = due.map_or(POLL_INTERVAL, |due| {
            Duration::from_millis(u64::try_from(due - now_ms()).unwrap_or(0))
        });
        let nap = until_due
            .min(POLL_INTERVAL)
            .min(deadline.saturating_duration_since(Instant::now()));
        tokio::select! {
            () = arrival => {}
            () = tokio::time::sleep(nap) => {}
        }
        Ok(())
    }
}

#[async_trait]
impl Queue for EmbeddedQueue {
    fn system(&self) -> &'static str {
        "sqlite"
    }

    async fn send(&self, queue: QueueId, batch: &[Outgoing]) -> Result<(), QueueError> {
        self.faults.at(Point::QueueSend, queue.name()).await?;
        check_batch(batch)?;
        let batch = batch.to_vec();
        self.db
            .write(move |connection| insert(connection, queue, &batch, now_ms()))
            .await?;
        self.arrivals(queue).notify_waiters();
        Ok(())
    }

    async fn receive(&self, queue: QueueId, how: Receive) -> Result<Vec<Received>, QueueError> {
        self.faults.at(Point::QueueReceive, queue.name()).await?;
        check_count("messages", how.max)?;
        check_visibility(how.visibility)?;
        let deadline = Instant::now() + how.wait.min(WAIT_MAX);
        loop {
            // Registered before looking, so that what arrives in between is not slept through.
            let mut arrival = std::pin::pin!(self.arrivals(queue).notified());
            arrival.as_mut().enable();
            let is_due = self
                .next_visible_ms(queue)
                .await?
                .is_some_and(|due| due <= now_ms());
            if is_due {
                let received = self.take(queue, how).await?;
                if !received.is_empty() {
                    return Ok(received);
                }
            }
            if Instant::now() >= deadline {
                return Ok(Vec::new());
            }
            self.wait(queue, arrival, deadline).await?;
        }
    }

    async fn delete(&self, queue: QueueId, receipts: &[String]) -> Result<(), QueueError> {
        self.faults.at(Point::QueueDelete, queue.name()).await?;
        check_count("receipts", receipts.len())?;
        let receipts: Vec<_> = receipts.iter().filter_map(|r| parse_receipt(r)).collect();
        self.db
            .write(move |connection| delete(connection, queue, &receipts))
            .await?;
        Ok(())
    }

    async fn change_visibility(
        &self,
        queue: QueueId,
        receipt: &str,
        visibility: Duration,
    ) -> Result<(), QueueError> {
        check_visibility(visibility)?;
        let (seq, count) = parse_receipt(receipt).ok_or(QueueError::StaleReceipt)?;
        let changed = self
            .db
            .write(move |connection| {
                let visible_at_ms = later(now_ms(), visibility);
                let mut update = connection.prepare_cached(
                    "UPDATE messages SET visible_at_ms = ?1
                     WHERE seq = ?2 AND receive_count = ?3 AND queue = ?4",
                )?;
                Ok(update.execute(params![visible_at_ms, seq, count, queue.name()])?)
            })
            .await?;
        if changed == 0 {
            return Err(QueueError::StaleReceipt);
        }
        if visibility.is_zero() {
            self.arrivals(queue).notify_waiters();
        }
        Ok(())
    }

    async fn depth(&self, queue: QueueId) -> Result<Depth, QueueError> {
        let depth = self
            .db
            .read(move |connection| Ok(depth(connection, queue, now_ms())?))
            .await?;
        Ok(depth)
    }

    async fn peek(&self, queue: QueueId, max: usize) -> Result<Vec<Peeked>, QueueError> {
        let max = i64::try_from(max).unwrap_or(i64::MAX);
        let peeked = self
            .db
            .read(move |connection| {
                let mut select = connection.prepare_cached(
                    "SELECT seq, body, attributes, receive_count, sent_at_ms
                     FROM messages WHERE queue = ?1 ORDER BY seq LIMIT ?2",
                )?;
                let rows = select.query_map(params![queue.name(), max], read_row)?;
                Ok(rows
                    .map(|row| row.map(Stored::peeked))
                    .collect::<Result<_, _>>()?)
            })
            .await?;
        Ok(peeked)
    }

    async fn purge(&self, queue: QueueId) -> Result<(), QueueError> {
        self.db
            .write(move |connection| {
                connection.execute("DELETE FROM messages WHERE queue = ?1", [queue.name()])?;
                Ok(())
            })
            .await?;
        Ok(())
    }
}

impl From<DbError> for QueueError {
    fn from(error: DbError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

/// A row without its visibility.
struct Stored {
    seq: i64,
    body: String,
    attributes: Attributes,
    receive_count: u32,
    sent_at_ms: i64,
}

impl Stored {
    fn received(self) -> Received {
        let receive_count = self.receive_count + 1;
        Received {
            id: self.seq.to_string(),
            // The count is different at each receive, so row and count name exactly one of them.
            receipt: format!("{}.{receive_count}", self.seq),
            body: self.body,
            attributes: self.attributes,
            receive_count,
            sent_at_ms: self.sent_at_ms,
        }
    }

    fn peeked(self) -> Peeked {
        Peeked {
            id: self.seq.to_string(),
            body: self.body,
            attributes: self.attributes,
            receive_count: self.receive_count,
            sent_at_ms: self.sent_at_ms,
        }
    }
}

/// What one look at a queue yields.
struct Taken {
    received: Vec<Received>,
    /// Whether a message went to the dead letters.
    buried: bool,
}

fn take(
    connection: &Connection,
    queue: QueueId,
    how: Receive,
    now_ms: i64,
) -> Result<Taken, DbError> {
    let mut taken = Taken {
        received: Vec::new(),
        buried: false,
    };
    loop {
        let wanted = how.max - taken.received.len();
        let visible = select_visible(connection, queue, wanted, now_ms)?;
        // Each round hides or moves all it finds, so the loop ends when nothing is left or enough is found.
        let is_last = visible.len() < wanted;
        for stored in visible {
            if !queue.is_dead_letter() && stored.receive_count >= MAX_RECEIVES {
                move_to_dlq(connection, queue, stored.seq, now_ms)?;
                taken.buried = true;
            } else {
                hide(connection, stored.seq, later(now_ms, how.visibility))?;
                taken.received.push(stored.received());
            }
        }
        if is_last || taken.received.len() == how.max || how.visibility.is_zero() {
            return Ok(taken);
        }
    }
}

fn select_visible(
    connection: &Connection,
    queue: QueueId,
    max: usize,
    now_ms: i64,
) -> rusqlite::Result<Vec<Stored>> {
    let mut select = connection.prepare_cached(
        "SELECT seq, body, attributes, receive_count, sent_at_ms
         FROM messages WHERE queue = ?1 AND visible_at_ms <= ?2
         ORDER BY visible_at_ms, seq LIMIT ?3",
    )?;
    select
        .query_map(params![queue.name(), now_ms, max as i64], read_row)?
        .collect()
}

fn read_row(row: &Row<'_>) -> rusqlite::Result<Stored> {
    let attributes: String = row.get(2)?;
    Ok(Stored {
        seq: row.get(0)?,
        body: row.get(1)?,
        // Written by `insert` alone; a damaged value costs the attributes, not the message.
        attributes: serde_json::from_str(&attributes).unwrap_or_default(),
        receive_count: row.get(3)?,
        sent_at_ms: row.get(4)?,
    })
}

fn hide(connection: &Connection, seq: i64, until_ms: i64) -> rusqlite::Result<usize> {
    connection
        .prepare_cached(
            "UPDATE messages SET visible_at_ms = ?1, receive_count = receive_count + 1 WHERE seq = ?2",
        )?
        .execute(params![until_ms, seq])
}

fn move_to_dlq(
    connection: &Connection,
    queue: QueueId,
    seq: i64,
    now_ms: i64,
) -> rusqlite::Result<usize> {
    let grave = queue.topic().dead_letters();
    connection
        .prepare_cached(
            "UPDATE messages SET queue = ?1, visible_at_ms = ?2, receive_count = 0 WHERE seq = ?3",
        )?
        .execute(params![grave.name(), now_ms, seq])
}

fn insert(
    connection: &Connection,
    queue: QueueId,
    batch: &[Outgoing],
    now_ms: i64,
) -> Result<(), DbError> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO messages (queue, body, attributes, sent_at_ms, visible_at_ms)
         VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    for message in batch {
        let attributes = serde_json::to_string(&message.attributes)
            .map_err(|error| DbError::Corrupt(error.to_string()))?;
        insert.execute(params![
            queue.name(),
            message.body,
            attributes,
            now_ms,
            later(now_ms, message.delay),
        ])?;
    }
    Ok(())
}

fn delete(connection: &Connection, queue: QueueId, receipts: &[(i64, u32)]) -> Result<(), DbError> {
    let mut delete = connection.prepare_cached(
        "DELETE FROM messages WHERE seq = ?1 AND receive_count = ?2 AND queue = ?3",
    )?;
    for (seq, count) in receipts {
        delete.execute(params![seq, count, queue.name()])?;
    }
    Ok(())
}

fn next_visible(connection: &Connection, queue: QueueId) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached(
            "SELECT visible_at_ms FROM messages WHERE queue = ?1 ORDER BY visible_at_ms LIMIT 1",
        )?
        .query_row([queue.name()], |row| row.get(0))
        .optional()
}

fn depth(connection: &Connection, queue: QueueId, now_ms: i64) -> rusqlite::Result<Depth> {
    connection
        .prepare_cached(
            "SELECT count(*) FILTER (WHERE visible_at_ms <= ?2),
                    count(*) FILTER (WHERE visible_at_ms > ?2 AND receive_count > 0),
                    count(*) FILTER (WHERE visible_at_ms > ?2 AND receive_count = 0),
                    coalesce(min(sent_at_ms), ?2)
             FROM messages WHERE queue = ?1",
        )?
        .query_row(params![queue.name(), now_ms], |row| {
            let oldest_ms: i64 = row.get(3)?;
            Ok(Depth {
                visible: row.get(0)?,
                in_flight: row.get(1)?,
                delayed: row.get(2)?,
                oldest_age: Duration::from_millis(u64::try_from(now_ms - oldest_ms).unwrap_or(0)),
            })
        })
}

fn parse_receipt(receipt: &str) -> Option<(i64, u32)> {
    let (seq, count) = receipt.split_once('.')?;
    Some((seq.parse().ok()?, count.parse().ok()?))
}

fn later(now_ms: i64, by: Duration) -> i64 {
    now_ms.saturating_add(i64::try_from(by.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests;
