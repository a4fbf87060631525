//! `loadgen.log` in the run folder, and its last lines for those who watch.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context;
use tracing_subscriber::fmt::MakeWriter;

use crate::redact::Shown;

/// Lines kept for views.
pub const LINES_MAX: usize = 300;

/// Characters kept of one line.
const LINE_CHARS_MAX: usize = 500;

/// The last lines of a log.
#[derive(Debug, Clone, Default)]
pub struct Tail(Arc<Mutex<VecDeque<String>>>);

impl Tail {
    /// The lines, oldest first.
    pub fn lines(&self) -> Vec<String> {
        self.lock().iter().cloned().collect()
    }

    /// Adds a line.
    pub fn push(&self, line: &str) {
        let mut lines = self.lock();
        if lines.len() == LINES_MAX {
            lines.pop_front();
        }
        lines.push_back(line.chars().take(LINE_CHARS_MAX).collect());
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Starts the log of a run. Everything that this process tells from now on goes there.
///
/// # Errors
/// When the file cannot be written.
pub fn start(path: &Path) -> anyhow::Result<Tail> {
    let file =
        shop::private::create(path).with_context(|| format!("cannot write {}", path.display()))?;
    let tail = Tail::default();
    let log = Log {
        file: Arc::new(file),
        tail: tail.clone(),
    };
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_writer(log)
        .with_max_level(tracing::Level::INFO)
        .finish();
    // A second run in one process (tests) keeps the first log.
    let _ = tracing::subscriber::set_global_default(subscriber);
    Ok(tail)
}

struct Log {
    file: Arc<File>,
    tail: Tail,
}

/// One event; it is written whole when it is dropped, so that lines of several threads do not mix.
struct Entry {
    file: Arc<File>,
    tail: Tail,
    text: Vec<u8>,
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Entry;

    fn make_writer(&'a self) -> Entry {
        Entry {
            file: self.file.clone(),
            tail: self.tail.clone(),
            text: Vec::new(),
        }
    }
}

impl Write for Entry {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let text = Shown::from(String::from_utf8_lossy(&self.text).into_owned());
        // A full disk must not end a run; the run folder's own files tell of it.
        let _ = (&*self.file).write_all(text.as_bytes());
        for line in text.lines() {
            self.tail.push(line);
        }
    }
}
