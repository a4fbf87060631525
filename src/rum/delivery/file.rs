//! Batches into `rum.jsonl` of the run folder: an event a line, at a bounded size.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use shop::private;

use super::{Delivered, Sink};
use crate::rum::batch::Payload;

/// The file's name.
pub const FILE: &str = "rum.jsonl";

/// Most bytes in it.
pub const BYTES_MAX: u64 = 64 << 20;

/// From this size on only sessions that are under way are written, so that what is there is whole.
const BYTES_FOR_NEW: u64 = BYTES_MAX / 4 * 3;

/// Bytes that are written at a time.
const BUFFER_BYTES: usize = 256 << 10;

/// The file, and what is in it.
pub struct FileSink {
    file: BufWriter<File>,
    bytes: u64,
    failed: bool,
    delivered: Delivered,
}

impl FileSink {
    /// A new file at a path.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn create(path: &Path) -> std::io::Result<Self> {
        Ok(Self {
            file: BufWriter::with_capacity(BUFFER_BYTES, private::create(path)?),
            bytes: 0,
            failed: false,
            delivered: Delivered::at(FILE),
        })
    }

    fn write(&mut self, payload: &Payload) -> std::io::Result<()> {
        self.file.write_all(&payload.body)?;
        self.file.write_all(b"\n")
    }

    fn failed(&mut self, error: &std::io::Error) {
        if !std::mem::replace(&mut self.failed, true) {
            tracing::error!(%error, "{FILE} cannot be written any more");
        }
    }
}

impl Sink for FileSink {
    fn deliver(&mut self, payload: Payload) {
        let bytes = payload.body.len() as u64 + 1;
        if self.failed {
            return self.delivered.lose("not_written", &payload);
        }
        if self.bytes + bytes > BYTES_MAX {
            return self.delivered.lose("file_full", &payload);
        }
        match self.write(&payload) {
            Ok(()) => {
                self.bytes += bytes;
                self.delivered.events += u64::from(payload.events);
            }
            Err(error) => {
                self.delivered.lose("not_written", &payload);
                self.failed(&error);
            }
        }
    }

    fn takes_new_sessions(&self) -> bool {
        !self.failed && self.bytes < BYTES_FOR_NEW
    }

    fn finish(mut self: Box<Self>) -> Delivered {
        if let Err(error) = self.file.flush() {
            self.failed(&error);
        }
        self.delivered
    }
}
