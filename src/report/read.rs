//! Run folders read back: whole ones, those of a crash, and damaged ones with a clear message.
//!
//! What is read was perhaps written by another version or cut off by a full disk, so nothing is taken on trust: sizes are
//! bounded, histograms are decoded, and indices are checked before anything is computed from them.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{RunReport, SCHEMA_VERSION, WindowRecord};
use crate::measure::samples::Sample;
use crate::redact::{Redactor, Shown};

mod check;
mod error;

use check::{check, check_windows};
pub use error::ReadError;

/// Largest `run.json` that is read; a day of one-second windows with a dozen steps is about a quarter of it.
const RUN_BYTES_MAX: u64 = 4 << 30;

/// Longest line of a `.jsonl` file that is read.
const LINE_BYTES_MAX: u64 = 64 << 20;

/// Samples read; a writer keeps far fewer.
const SAMPLES_MAX: usize = 100_000;

/// A run as read from its folder.
#[derive(Debug, Clone)]
pub struct Run {
    /// Where it was read from.
    pub path: PathBuf,
    /// The record.
    pub report: RunReport,
    /// The samples that were kept whole.
    pub samples: Vec<Sample>,
    /// What was not as it should be, but did not keep the run from being read.
    pub remarks: Vec<String>,
}

impl Run {
    /// What a reader should know before the figures: remarks of reading, then the run's own notes.
    pub fn asides(&self) -> impl Iterator<Item = &str> {
        let notes = self.report.notes.iter().map(|note| &**note);
        self.remarks.iter().map(String::as_str).chain(notes)
    }
}

/// Reads a run folder, or the `run.json` in it.
///
/// # Errors
/// When there is no run, or it is damaged; the message names the file and the remedy.
pub fn read(path: &Path) -> Result<Run, ReadError> {
    let folder = folder_of(path)?;
    let whole = folder.join("run.json");
    let (report, mut remarks) = if whole.exists() {
        (report(&whole)?, Vec::new())
    } else {
        unfinished(&folder)?
    };
    let samples = samples(&folder.join("samples.jsonl"), &mut remarks)?;
    let record = folder.join("run.json");
    let report = report
        .shown(&Redactor::default())
        .map_err(|error| damaged(&record, error.to_string()))?;
    let remarks = remarks
        .iter()
        .map(|text| Shown::from(text.as_str()).to_string())
        .collect();
    let run = Run {
        path: folder,
        report,
        samples,
        remarks,
    };
    Ok(run)
}

/// The record alone of a run folder, with the windows of a run that was cut off.
///
/// # Errors
/// As of [`read`].
pub fn record(folder: &Path) -> Result<RunReport, ReadError> {
    let whole = folder.join("run.json");
    let report = match whole.exists() {
        true => report(&whole)?,
        false => unfinished(folder)?.0,
    };
    report
        .shown(&Redactor::default())
        .map_err(|error| damaged(&whole, error.to_string()))
}

/// The word that stands for the newest run folder below `runs`.
const LATEST: &str = "latest";

/// Where runs are made if nothing else is said.
const RUNS: &str = "runs";

/// The folder of a run: a path, `latest`, or how the name of one run folder below `runs` begins.
///
/// # Errors
/// When there is no such folder.
pub fn folder_of(path: &Path) -> Result<PathBuf, ReadError> {
    if !path.exists()
        && let Some(found) = begins(Path::new(RUNS), path)
    {
        return Ok(found);
    }
    if path == Path::new(LATEST) && !path.exists() {
        return latest(Path::new(RUNS));
    }
    let meta = std::fs::metadata(path).map_err(|source| match source.kind() {
        std::io::ErrorKind::NotFound => ReadError::Missing(path.to_owned()),
        _ => io(path, source),
    })?;
    if meta.is_dir() {
        return Ok(path.to_owned());
    }
    if path.file_name().is_some_and(|name| name == "run.json") {
        return Ok(match path.parent() {
            Some(parent) if parent != Path::new("") => parent.to_owned(),
            _ => PathBuf::from("."),
        });
    }
    Err(ReadError::NoRun {
        path: path.to_owned(),
        hint: "; it is a file, and a run is a folder".to_owned(),
    })
}

/// The only run folder in `runs` whose name begins so.
fn begins(runs: &Path, name: &Path) -> Option<PathBuf> {
    let name = name
        .to_str()
        .filter(|name| !name.is_empty() && !name.contains('/'))?;
    let entries = std::fs::read_dir(runs).ok()?.flatten();
    let mut found = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(name));
    let first = found.next()?;
    found.next().is_none().then(|| first.path())
}

/// The newest run folder in `runs`: its name begins with the time.
fn latest(runs: &Path) -> Result<PathBuf, ReadError> {
    let entries = std::fs::read_dir(runs).into_iter().flatten().flatten();
    let folders = entries.map(|entry| entry.path());
    let found = folders
        .filter(|path| path.join("run.json").exists() || path.join("windows.jsonl").exists())
        .max();
    found.ok_or_else(|| ReadError::Missing(runs.join(LATEST)))
}

fn io(path: &Path, source: std::io::Error) -> ReadError {
    ReadError::Io {
        path: path.to_owned(),
        source,
    }
}

/// The version first: a newer shape need not fit ours at all.
#[derive(Deserialize)]
struct Version {
    schema_version: u64,
    #[serde(default)]
    loadgen_version: String,
}

fn report(path: &Path) -> Result<RunReport, ReadError> {
    let text = bytes(path)?;
    let version: Version = parse(path, &text)?;
    if version.schema_version > u64::from(SCHEMA_VERSION) {
        return Err(ReadError::Newer {
            path: path.to_owned(),
            found: version.schema_version,
            writer: version.loadgen_version,
        });
    }
    let report: RunReport = parse(path, &text)?;
    check(path, &report)?;
    Ok(report)
}

fn bytes(path: &Path) -> Result<Vec<u8>, ReadError> {
    let file = File::open(path).map_err(|e| io(path, e))?;
    let mut text = Vec::new();
    let read = file.take(RUN_BYTES_MAX + 1).read_to_end(&mut text);
    let read = read.map_err(|e| io(path, e))? as u64;
    match read {
        0 => Err(ReadError::Empty(path.to_owned())),
        n if n > RUN_BYTES_MAX => Err(ReadError::TooLarge {
            path: path.to_owned(),
            max: RUN_BYTES_MAX,
        }),
        _ => Ok(text),
    }
}

fn parse<'a, T: Deserialize<'a>>(path: &Path, text: &'a [u8]) -> Result<T, ReadError> {
    serde_json::from_slice(text).map_err(|error| match error.classify() {
        serde_json::error::Category::Eof => ReadError::Truncated {
            path: path.to_owned(),
            bytes: text.len() as u64,
        },
        _ => damaged(path, error.to_string()),
    })
}

fn damaged(path: &Path, what: impl Into<String>) -> ReadError {
    ReadError::Damaged {
        path: path.to_owned(),
        what: what.into(),
    }
}

/// What a crash has left: the record of the begin, and the windows until then.
fn unfinished(folder: &Path) -> Result<(RunReport, Vec<String>), ReadError> {
    let journal = folder.join("windows.jsonl");
    let begun = folder.join("begun.json");
    if !journal.exists() {
        return Err(ReadError::NoRun {
            path: folder.to_owned(),
            hint: hint(folder),
        });
    }
    if !begun.exists() {
        let what = "there are windows, but neither run.json nor begun.json says what was run";
        return Err(damaged(folder, what));
    }
    let mut report = report(&begun)?;
    let mut remarks = vec![
        "the run did not end: figures are those of its windows, warm-up included, and nothing was judged".to_owned(),
    ];
    report.windows = lines(&journal, &mut remarks)?;
    check_windows(&journal, &report)?;
    let Some(last) = report.windows.last() else {
        return Err(ReadError::Nothing(folder.to_owned()));
    };
    report.elapsed_s = last.at_ms as f64 / 1e3;
    report.load_s = report.elapsed_s;
    super::figures::from_windows(&mut report).map_err(|what| damaged(&journal, what))?;
    Ok((report, remarks))
}

fn hint(folder: &Path) -> String {
    let runs = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut runs: Vec<PathBuf> = runs
        .map(|entry| entry.path())
        .filter(|path| path.join("run.json").exists())
        .collect();
    runs.sort();
    match runs.last() {
        Some(newest) => format!("; did you mean '{}'?", newest.display()),
        None => String::new(),
    }
}

fn samples(path: &Path, remarks: &mut Vec<String>) -> Result<Vec<Sample>, ReadError> {
    if !path.exists() {
        remarks.push("there is no samples.jsonl: no slowest requests and no examples".to_owned());
        return Ok(Vec::new());
    }
    let mut samples: Vec<Sample> = lines(path, remarks)?;
    if samples.len() > SAMPLES_MAX {
        samples.truncate(SAMPLES_MAX);
        remarks.push(format!(
            "samples.jsonl has more than {SAMPLES_MAX} lines; the others were left out"
        ));
    }
    Ok(samples)
}

/// One JSON value a line. A torn last line, as a crash leaves it, is left out and told; a bad line before it is damage.
fn lines<T: for<'a> Deserialize<'a>>(
    path: &Path,
    remarks: &mut Vec<String>,
) -> Result<Vec<T>, ReadError> {
    let file = File::open(path).map_err(|e| io(path, e))?;
    let mut reader = BufReader::new(file);
    let (mut found, mut line) = (Vec::new(), Vec::new());
    for number in 1_u64.. {
        line.clear();
        let mut limited = (&mut reader).take(LINE_BYTES_MAX);
        let read = limited.read_until(b'\n', &mut line);
        if read.map_err(|e| io(path, e))? == 0 {
            break;
        }
        let torn = line.last() != Some(&b'\n');
        match serde_json::from_slice(&line) {
            Ok(value) => found.push(value),
            Err(_) if torn && (line.len() as u64) < LINE_BYTES_MAX => remarks.push(format!(
                "the last line of '{}' is cut off and was left out",
                path.display()
            )),
            Err(error) => return Err(damaged(path, format!("line {number}: {error}"))),
        }
    }
    Ok(found)
}

/// The windows with their histograms decoded.
///
/// # Errors
/// When one cannot be decoded.
pub fn window_figures(
    run: &Run,
) -> impl Iterator<Item = Result<(&WindowRecord, crate::verdict::thresholds::WindowFigures), ReadError>>
{
    run.report.windows.iter().map(|window| {
        let figures = window.figures().map_err(|what| {
            let what = format!("the window that ends at {} ms: {what}", window.at_ms);
            damaged(&run.path.join("run.json"), what)
        })?;
        Ok((window, figures))
    })
}
