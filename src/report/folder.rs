//! The run folder: written while the run goes on, so that a crash leaves readable files.
//!
//! `windows.jsonl` is the journal of second-level windows; at the end it becomes part of `run.json` and goes away, together with
//! `live.json`, the newest state for those who watch from another process.

use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use shop::private;

use super::{Blob, RunReport, WindowRecord, WindowStep};
use crate::measure::journal::Journal;
use crate::measure::samples::Sample;
use crate::measure::snapshot::{Snapshot, Subject};
use crate::measure::ticks::TickSum;

/// The newest state of a run that is going on.
pub(super) const LIVE: &str = "live.json";

/// The embedded shop's data.
pub const SHOP_DATA: &str = "shop";

/// Free space that a run folder must have at the start, bytes.
const FREE_BYTES_MIN: u64 = 64 * 1024 * 1024;

/// The folder of one run.
#[derive(Debug, Clone)]
pub struct RunFolder {
    path: PathBuf,
}

impl RunFolder {
    /// Makes `<out>/<time>-<scenario>` and makes sure that it can be written, before any load starts.
    ///
    /// # Errors
    /// When it cannot be made or written, or when the disk is nearly full; the message names the path and the remedy.
    pub fn create(
        out: &Path,
        started: time::OffsetDateTime,
        scenario: &str,
    ) -> anyhow::Result<Self> {
        let format = time::macros::format_description!("[year][month][day]-[hour][minute][second]");
        let time = started
            .format(format)
            .context("the system clock shows no valid date")?;
        let remedy = || {
            format!(
                "cannot write the run folder under '{}': choose another place with --out DIR",
                out.display()
            )
        };
        private::create_dir_all(out).with_context(remedy)?;
        let path = first_free(out, &format!("{time}-{scenario}")).with_context(remedy)?;
        let folder = Self { path };
        folder.probe().with_context(remedy)?;
        Ok(folder)
    }

    fn probe(&self) -> anyhow::Result<()> {
        let free = rustix::fs::statvfs(&self.path).map(|disk| disk.f_bavail * disk.f_frsize);
        if let Ok(free) = free
            && free < FREE_BYTES_MIN
        {
            bail!(
                "only {} MiB are free on that disk; a run needs at least {} MiB",
                free >> 20,
                FREE_BYTES_MIN >> 20
            );
        }
        let probe = self.path.join(".probe");
        private::create(&probe)?.write_all(&[0; 4096])?;
        std::fs::remove_file(probe)?;
        Ok(())
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A file in it.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Opens the files that are written during the run.
    ///
    /// # Errors
    /// When one cannot be made.
    pub fn journal(&self, subject: Subject) -> std::io::Result<FolderJournal> {
        let open = |name: &str| private::append(&self.file(name)).map(BufWriter::new);
        Ok(FolderJournal {
            folder: self.clone(),
            subject,
            windows: open("windows.jsonl")?,
            orders: open("orders.jsonl")?,
            failed: BTreeMap::new(),
        })
    }

    /// Writes `begun.json`: what a crash would otherwise leave nameless.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn begin(&self, report: &RunReport) -> anyhow::Result<()> {
        self.write("begun.json", &serde_json::to_vec(report)?)
    }

    /// Writes a file in one piece: the old content or the new, never half of it.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn write(&self, name: &str, content: &[u8]) -> anyhow::Result<()> {
        let path = self.file(name);
        write_atomically(&path, |file| Ok(file.write_all(content)?))
            .with_context(|| format!("cannot write {}", path.display()))
    }

    /// Writes `run.json` with the windows of the journal, atomically, then removes the journal.
    ///
    /// # Errors
    /// When the disk fails; the journal stays.
    pub fn finish(&self, report: &mut RunReport) -> anyhow::Result<()> {
        report.windows = self.windows()?;
        let path = self.file("run.json");
        write_atomically(&path, |file| Ok(serde_json::to_writer(file, report)?))
            .with_context(|| format!("cannot write {}", path.display()))?;
        let _ = std::fs::remove_file(self.file("windows.jsonl"));
        let _ = std::fs::remove_file(self.file(LIVE));
        let _ = std::fs::remove_file(self.file("begun.json"));
        Ok(())
    }

    /// Removes the embedded shop's data, if there is any.
    pub fn forget_shop_data(&self) {
        match std::fs::remove_dir_all(self.file(SHOP_DATA)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                tracing::warn!(%error, "the embedded shop's data cannot be removed");
            }
            _ => {}
        }
    }

    /// A folder that is there already.
    pub fn open(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
        }
    }

    /// The newest state of a run that is going on.
    ///
    /// # Errors
    /// When there is none, or it cannot be read.
    pub fn live(&self) -> anyhow::Result<Live> {
        let path = self.file(LIVE);
        let text =
            std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        serde_json::from_slice(&text).with_context(|| format!("{} is damaged", path.display()))
    }

    /// The windows written so far. A torn last line, as a crash leaves it, is left out.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn windows(&self) -> anyhow::Result<Vec<WindowRecord>> {
        let path = self.file("windows.jsonl");
        let file = File::open(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let lines = BufReader::new(file).lines().map_while(Result::ok);
        Ok(lines
            .filter_map(|line| serde_json::from_str(&line).ok())
            .collect())
    }
}

/// Two runs may start within one second: the second one gets a number behind its name.
fn first_free(out: &Path, name: &str) -> std::io::Result<PathBuf> {
    const TRIES_MAX: u32 = 1000;
    for number in 1..=TRIES_MAX {
        let name = if number == 1 {
            name.to_owned()
        } else {
            format!("{name}-{number}")
        };
        let path = out.join(name);
        match private::create_dir(&path) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(std::io::Error::other(
        "a thousand runs have this name already",
    ))
}

/// Writes a file beside its place and moves it there when it is whole.
pub(crate) fn write_atomically(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let partial = path.with_extension("partial");
    let mut file = BufWriter::new(private::create(&partial)?);
    let written = write(&mut file).and_then(|()| {
        file.into_inner().map_err(|e| e.into_error())?.sync_all()?;
        Ok(std::fs::rename(&partial, path)?)
    });
    if written.is_err() {
        // Where a disk is full, half a file only takes more of it.
        let _ = std::fs::remove_file(&partial);
    }
    written
}

/// Writes ticks, promises and samples while the run goes on.
pub struct FolderJournal {
    folder: RunFolder,
    subject: Subject,
    windows: BufWriter<File>,
    orders: BufWriter<File>,
    /// The first failure of each file; after it that file is left alone, and the run says so at once and at its end.
    failed: BTreeMap<&'static str, std::io::Error>,
}

impl FolderJournal {
    fn attempt(
        &mut self,
        file: &'static str,
        write: impl FnOnce(&mut Self) -> std::io::Result<()>,
    ) {
        if !self.failed.contains_key(file)
            && let Err(error) = write(self)
        {
            tracing::error!(%error, "{file} cannot be written any more");
            self.failed.insert(file, error);
        }
    }
}

impl Journal for FolderJournal {
    fn tick(&mut self, tick: &TickSum) {
        self.attempt("windows.jsonl", |journal| {
            serde_json::to_writer(&mut journal.windows, &window_record(tick))?;
            journal.windows.write_all(b"\n")?;
            journal.windows.flush()
        });
    }

    fn failure(&self) -> Option<String> {
        // The live state is written anew each second and goes away with the run.
        let lost = self.failed.iter().filter(|(file, _)| **file != LIVE);
        let lost: Vec<String> = lost
            .map(|(file, error)| format!("{file} ({error})"))
            .collect();
        (!lost.is_empty()).then(|| lost.join(", "))
    }

    fn promises(&mut self, lines: &[String]) {
        self.attempt("orders.jsonl", |journal| {
            for line in lines {
                writeln!(journal.orders, "{line}")?;
            }
            journal.orders.flush()
        });
    }

    fn snapshot(&mut self, snapshot: &Snapshot) {
        self.attempt(LIVE, |journal| {
            let live = Live {
                subject: journal.subject.clone(),
                snapshot: Snapshot {
                    history: VecDeque::new(),
                    ..snapshot.clone()
                },
            };
            // Written anew each second and of no use after a crash of the machine: no need to wait for the disk.
            let path = journal.folder.file(LIVE);
            let partial = path.with_extension("partial");
            private::create(&partial)?.write_all(&serde_json::to_vec(&live)?)?;
            std::fs::rename(partial, path)
        });
    }

    fn samples(&mut self, samples: &[Sample]) {
        self.attempt("samples.jsonl", |journal| {
            let path = journal.folder.file("samples.jsonl");
            let names = &journal.subject.figures;
            write_atomically(&path, |file| {
                for sample in samples {
                    let step = names
                        .get(usize::from(sample.figure))
                        .cloned()
                        .unwrap_or_default();
                    serde_json::to_writer(
                        &mut *file,
                        &Sample {
                            step,
                            ..sample.clone()
                        },
                    )?;
                    file.write_all(b"\n")?;
                }
                Ok(())
            })
            .map_err(std::io::Error::other)
        });
    }
}

/// The state of a run that is going on, for views in other processes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Live {
    /// What was known before it began.
    pub subject: Subject,
    /// How far it is.
    pub snapshot: Snapshot,
}

fn window_record(tick: &TickSum) -> WindowRecord {
    let millis = |time: std::time::Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let figures = tick
        .figures
        .iter()
        .zip(0_u16..)
        .filter(|(cell, _)| cell.readings() > 0);
    WindowRecord {
        at_ms: millis(tick.at),
        length_ms: millis(tick.length),
        planned_rate: tick.rate_planned,
        achieved_rate: tick.rate_achieved,
        shoppers: tick.shoppers,
        connections: tick.connections,
        cpu: tick.cpu,
        start_lag: Blob::of(&tick.start_lag),
        figures: figures
            .map(|(cell, index)| {
                let step = WindowStep {
                    ok: cell.ok,
                    outcomes: cell.outcomes,
                    errors: cell.errors(),
                    response: Blob::of(&cell.response),
                    service_time: Blob::of(&cell.service),
                    failure_time: Blob::of(&cell.failure),
                };
                (index, step)
            })
            .collect(),
    }
}
