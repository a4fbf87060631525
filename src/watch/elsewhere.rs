//! A run of another process, as its folder shows it: `live.json` for the state, `windows.jsonl` for the history.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;

use crate::log::LINES_MAX;
use crate::measure::snapshot::{HISTORY, Snapshot, Subject, Tick};
use crate::report::WindowRecord;
use crate::report::folder::RunFolder;
use crate::tui::Source;

/// How often the folder is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Bytes read of the end of the log.
const LOG_BYTES: u64 = 32 * 1024;

/// Longest window that is read, bytes.
const WINDOW_BYTES_MAX: u64 = 64 << 20;

/// The folder of a run that is going on.
pub(super) struct Elsewhere {
    folder: RunFolder,
    figures: usize,
    windows: BufReader<File>,
    history: VecDeque<Arc<Tick>>,
    snapshot: Arc<Snapshot>,
    looked: Option<Instant>,
}

impl Elsewhere {
    /// Opens the folder.
    pub(super) fn of(path: &Path) -> anyhow::Result<(Self, Subject)> {
        let folder = RunFolder::open(path);
        let live = folder.live().with_context(|| {
            format!(
                "'{}' is no run that is going on: such a folder has a live.json from its first second on, and run.json when the run is over",
                path.display()
            )
        })?;
        let windows = folder.file("windows.jsonl");
        let windows =
            File::open(&windows).with_context(|| format!("cannot read {}", windows.display()))?;
        let elsewhere = Self {
            folder,
            figures: live.subject.figures.len(),
            windows: BufReader::new(windows),
            history: VecDeque::new(),
            snapshot: Arc::default(),
            looked: None,
        };
        Ok((elsewhere, live.subject))
    }

    fn look(&mut self) {
        let last = self.history.back().map(|tick| tick.at);
        while let Some(record) = self.next_window() {
            if let Some(tick) = tick_of(&record, self.figures) {
                self.history.push_back(Arc::new(tick));
            }
            if self.history.len() > HISTORY {
                self.history.pop_front();
            }
        }
        let grown = self.history.back().map(|tick| tick.at) != last;
        match self.folder.live() {
            Ok(live) if grown => {
                self.snapshot = Arc::new(Snapshot {
                    history: self.history.clone(),
                    ..live.snapshot
                });
            }
            Ok(_) => {}
            // The file goes away when the run is over.
            Err(_) if !self.snapshot.finished => {
                self.snapshot = Arc::new(Snapshot {
                    finished: true,
                    ..(*self.snapshot).clone()
                });
            }
            Err(_) => {}
        }
    }

    /// The next window; one that is not wholly written yet is left for the next look.
    fn next_window(&mut self) -> Option<WindowRecord> {
        let place = self.windows.stream_position().ok()?;
        let mut line = Vec::new();
        let mut limited = (&mut self.windows).take(WINDOW_BYTES_MAX);
        limited.read_until(b'\n', &mut line).ok()?;
        if line.last() != Some(&b'\n') {
            self.windows.seek(SeekFrom::Start(place)).ok()?;
            return None;
        }
        serde_json::from_slice(&line).ok()
    }
}

/// A window, summarised; `None` for one that cannot be decoded.
pub(super) fn tick_of(record: &WindowRecord, figures: usize) -> Option<Tick> {
    let decoded = record.figures().ok()?;
    let mut sum = crate::measure::ticks::TickSum {
        at: decoded.at,
        length: decoded.length,
        rate_planned: record.planned_rate,
        rate_achieved: record.achieved_rate,
        figures: vec![crate::measure::StepStats::default(); figures],
        start_lag: decoded.start_lag,
        cpu: record.cpu,
        shoppers: record.shoppers,
        connections: record.connections,
    };
    for (figure, cell) in decoded.figures {
        if let Some(place) = sum.figures.get_mut(usize::from(figure.0)) {
            *place = cell;
        }
    }
    Some(sum.brief())
}

/// The last lines of a run's log.
pub(super) fn log_of(path: &Path) -> Vec<String> {
    let read = || -> std::io::Result<String> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(LOG_BYTES)))?;
        let mut bytes = Vec::new();
        file.take(LOG_BYTES).read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    let text = read().unwrap_or_default();
    let lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines[lines.len().saturating_sub(LINES_MAX)..].to_vec()
}

impl Source for Elsewhere {
    fn read(&mut self) -> Arc<Snapshot> {
        if self.looked.is_none_or(|at| at.elapsed() >= LOOK_EVERY) {
            self.looked = Some(Instant::now());
            self.look();
        }
        self.snapshot.clone()
    }

    fn log(&self) -> Vec<String> {
        log_of(&self.folder.file("loadgen.log"))
    }
}
