//! Feeders: rows from CSV and JSON-lines files.

use std::fs::File as FsFile;
use std::io::Read;
use std::path::Path;

use checked_yaml::Place;

use super::report::Report;
use super::template;
use crate::scenario::file::{ExhaustedShape, FeederOrderShape, FeederShape, File};
use crate::scenario::{Exhausted, Feeder, FeederOrder};
use crate::template::VALUE_BYTES_MAX;

/// Largest feeder or curve file read.
const FILE_BYTES_MAX: u64 = 256 << 20;
/// Most rows of a feeder.
const ROWS_MAX: usize = 5_000_000;
/// Most columns of a feeder.
const COLUMNS_MAX: usize = 1000;
/// Most values of a feeder, rows times columns: each costs memory, however short.
const VALUES_MAX: usize = 20_000_000;
/// All feeder files together.
const FILES_BYTES_MAX: u64 = 1 << 30;
/// Most feeders: a template names one by 16 bits.
const FEEDERS_MAX: usize = 1000;

type Rows = (Vec<String>, Vec<Vec<String>>);

/// Reads all feeders of a file.
pub(super) fn read(report: &Report<'_>, file: &File, folder: &Path) -> Vec<Feeder> {
    let place = Place::root().key("feeders");
    let mut bytes_left = FILES_BYTES_MAX;
    let mut feeders = Vec::new();
    for (name, shape) in file.feeders.iter().flatten() {
        let place = place.key(name.as_str());
        if feeders.len() == FEEDERS_MAX {
            report.add(report.at_key(&place, format!("more than {FEEDERS_MAX} feeders")));
            break;
        }
        feeders.push(one(
            report,
            name.as_str(),
            shape,
            &place,
            folder,
            &mut bytes_left,
        ));
    }
    feeders
}

/// Takes a file's bytes out of what all of them may have.
fn within(bytes_left: &mut u64, text: String) -> Result<String, String> {
    *bytes_left = bytes_left.checked_sub(text.len() as u64).ok_or_else(|| {
        format!(
            "all feeders together are larger than {} MiB",
            FILES_BYTES_MAX >> 20
        )
    })?;
    Ok(text)
}

fn one(
    report: &Report<'_>,
    name: &str,
    shape: &FeederShape,
    place: &Place,
    folder: &Path,
    bytes_left: &mut u64,
) -> Feeder {
    if template::is_reserved(name) || name == "env" {
        report.add(
            report
                .at_key(place, format!("`{name}` is a value that loadgen makes"))
                .label("choose another name"),
        );
    }
    let text = read_text(&folder.join(&shape.file)).and_then(|text| within(bytes_left, text));
    let rows = text.and_then(|text| rows(&shape.file, &text));
    let (columns, rows) = rows.unwrap_or_else(|reason| {
        report.add(
            report
                .at(
                    &place.key("file"),
                    format!("the feeder file `{}` cannot be used: {reason}", shape.file),
                )
                .label("this file")
                .help(format!("looked for in {}", shown_folder(folder))),
        );
        (Vec::new(), Vec::new())
    });
    Feeder {
        name: name.to_owned(),
        columns,
        rows,
        order: match shape.order {
            Some(FeederOrderShape::Random) => FeederOrder::Random,
            Some(FeederOrderShape::Unique | FeederOrderShape::Shuffle) => FeederOrder::Unique,
            Some(FeederOrderShape::Sequential) | None => FeederOrder::Sequential,
        },
        exhausted: match shape.when_exhausted {
            Some(ExhaustedShape::Drop) => Exhausted::Drop,
            Some(ExhaustedShape::Wrap) | None => Exhausted::Wrap,
        },
    }
}

fn shown_folder(folder: &Path) -> String {
    if folder.as_os_str().is_empty() {
        "the current folder".to_owned()
    } else {
        folder.display().to_string()
    }
}

/// Reads a text file of bounded size.
pub(super) fn read_text(path: &Path) -> Result<String, String> {
    let file = FsFile::open(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
        _ => error.to_string(),
    })?;
    let mut text = String::new();
    let read = file.take(FILE_BYTES_MAX + 1).read_to_string(&mut text);
    let bytes = read.map_err(|error| match error.kind() {
        std::io::ErrorKind::InvalidData => "it is not UTF-8 text".to_owned(),
        _ => error.to_string(),
    })?;
    if bytes as u64 > FILE_BYTES_MAX {
        return Err(format!("it is larger than {} MiB", FILE_BYTES_MAX >> 20));
    }
    Ok(text)
}

/// A reader for CSV with a header line.
pub(super) fn csv_reader(text: &str) -> csv::Reader<&[u8]> {
    csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(text.trim_start_matches('\u{feff}').as_bytes())
}

fn rows(file: &str, text: &str) -> Result<Rows, String> {
    let (columns, rows) = match Path::new(file)
        .extension()
        .and_then(|extension| extension.to_str())
    {
        Some("csv") => csv_rows(text)?,
        Some("jsonl" | "ndjson") => json_rows(text)?,
        _ => return Err("its name ends neither in .csv nor in .jsonl".to_owned()),
    };
    if rows.is_empty() {
        return Err("it has no rows".to_owned());
    }
    if let Some(index) = columns
        .iter()
        .enumerate()
        .position(|(index, name)| columns[..index].contains(name))
    {
        return Err(format!("two columns are called `{}`", columns[index]));
    }
    Ok((columns, rows))
}

/// Whether the newest row, which stands in this line, is still within bounds.
fn bounded(rows: &[Vec<String>], line: u64) -> Result<(), String> {
    let row = rows.last().map_or(&[][..], Vec::as_slice);
    if rows.len() > ROWS_MAX {
        return Err(format!("it has more than {ROWS_MAX} rows"));
    }
    if row.len() > COLUMNS_MAX {
        return Err(format!(
            "it has {} columns, more than {COLUMNS_MAX}",
            row.len()
        ));
    }
    if rows.len() * row.len() > VALUES_MAX {
        return Err(format!("it has more than {VALUES_MAX} values"));
    }
    match row.iter().map(String::len).max() {
        Some(bytes) if bytes > VALUE_BYTES_MAX => Err(format!(
            "line {line} has a value of {bytes} bytes; a value has at most {} KiB",
            VALUE_BYTES_MAX >> 10
        )),
        _ => Ok(()),
    }
}

fn csv_rows(text: &str) -> Result<Rows, String> {
    let mut reader = csv_reader(text);
    let columns: Vec<String> = reader
        .headers()
        .map_err(|error| error.to_string())?
        .iter()
        .map(str::to_owned)
        .collect();
    if columns.iter().any(String::is_empty) {
        return Err("a column in its first line has no name".to_owned());
    }
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| ragged(&error, columns.len()))?;
        rows.push(record.iter().map(str::to_owned).collect());
        bounded(&rows, record.position().map_or(0, csv::Position::line))?;
    }
    Ok((columns, rows))
}

fn ragged(error: &csv::Error, columns: usize) -> String {
    match error.kind() {
        csv::ErrorKind::UnequalLengths { pos, len, .. } => {
            let line = pos.as_ref().map_or(0, csv::Position::line);
            format!("line {line} has {len} fields, the first line has {columns}")
        }
        _ => error.to_string(),
    }
}

fn json_rows(text: &str) -> Result<Rows, String> {
    let mut columns: Vec<String> = Vec::new();
    let mut rows = Vec::new();
    for (index, line) in text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
    {
        let number = index + 1;
        let object: serde_json::Map<String, serde_json::Value> = serde_json::from_str(line)
            .map_err(|error| format!("line {number} is not a JSON object ({error})"))?;
        if columns.is_empty() {
            columns = object.keys().cloned().collect();
        }
        if let Some(missing) = columns.iter().find(|column| !object.contains_key(*column)) {
            return Err(format!(
                "line {number} lacks `{missing}`, which the first line has"
            ));
        }
        if object.len() != columns.len() {
            return Err(format!("line {number} has keys that the first line lacks"));
        }
        rows.push(
            columns
                .iter()
                .map(|column| json_text(&object[column]))
                .collect(),
        );
        bounded(&rows, number as u64)?;
    }
    Ok((columns, rows))
}

fn json_text(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
