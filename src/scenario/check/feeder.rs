//! Feeders: rows from CSV and JSON-lines files.

mod csv_file;
mod json_lines;

use std::path::Path;

use checked_yaml::Place;

use super::files::{Characters, read_table};
use super::report::Report;
use super::template;
use crate::scenario::file::{EncodingShape, ExhaustedShape, FeederOrderShape, FeederShape, File};
use crate::scenario::{Exhausted, Feeder, FeederOrder};
use crate::template::{VALUE_BYTES_MAX, Value};
pub(super) use csv_file::csv_reader;
use csv_file::csv_rows;
use json_lines::json_rows;

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

type Rows = (Vec<String>, Vec<Vec<Value>>);

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
    let random = matches!(shape.order, Some(FeederOrderShape::Random));
    if random && shape.when_exhausted.is_some() {
        report.add(
            report
                .at_key(
                    &place.key("when-exhausted"),
                    "a random order is never exhausted",
                )
                .label("has no effect")
                .help("leave it out, or use `order: unique`, which takes each row once"),
        );
    }
    let characters = match shape.encoding {
        Some(EncodingShape::Latin1) => Characters::Latin1,
        Some(EncodingShape::Utf8) | None => Characters::Utf8,
    };
    let delimiter = delimiter(report, shape, place);
    let path = folder.join(&shape.file);
    // Where a file is looked for helps whoever does not find it there.
    let looked_for = (!path.exists()).then(|| format!("looked for in {}", shown_folder(folder)));
    let text = read_table(&path, characters);
    let text = text.and_then(|text| within(bytes_left, text));
    let rows = text.and_then(|text| rows(&shape.file, &text, delimiter));
    let (columns, rows) = rows.unwrap_or_else(|reason| {
        report.add(
            report
                .at(
                    &place.key("file"),
                    format!("the feeder file `{}` cannot be used: {reason}", shape.file),
                )
                .label("this file")
                .help_maybe(looked_for),
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
            Some(ExhaustedShape::Stop) => Exhausted::Stop,
            Some(ExhaustedShape::Wrap) | None => Exhausted::Wrap,
        },
    }
}

/// What stands between the values of a row.
fn delimiter(report: &Report<'_>, shape: &FeederShape, place: &Place) -> u8 {
    let Some(text) = shape.delimiter.as_deref() else {
        return b',';
    };
    let place = place.key("delimiter");
    if !shape.file.ends_with(".csv") {
        report.add(
            report
                .at_key(&place, "`delimiter` is of `.csv` files")
                .label("has no effect"),
        );
    }
    match (text, text.as_bytes()) {
        ("tab" | "\\t", _) => b'\t',
        (_, [byte]) if byte.is_ascii() && !b"\"\r\n".contains(byte) => *byte,
        _ => {
            let message = format!("`{text}` cannot stand between values");
            let problem = report.at(&place, message).label("one sign, or `tab`");
            report.add(problem.help("for example `delimiter: \";\"`"));
            b','
        }
    }
}

fn shown_folder(folder: &Path) -> String {
    if folder.as_os_str().is_empty() {
        "the current folder".to_owned()
    } else {
        folder.display().to_string()
    }
}

fn rows(file: &str, text: &str, delimiter: u8) -> Result<Rows, String> {
    let (columns, rows) = match Path::new(file)
        .extension()
        .and_then(|extension| extension.to_str())
    {
        Some("csv") => csv_rows(text, delimiter)?,
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
fn bounded(rows: &[Vec<Value>], line: u64) -> Result<(), String> {
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
    match row.iter().map(Value::text_bytes).max() {
        Some(bytes) if bytes > VALUE_BYTES_MAX => Err(format!(
            "line {line} has a value of {bytes} bytes; a value has at most {} KiB",
            VALUE_BYTES_MAX >> 10
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Files that large take longer to read than a test may; what they cost is found before, one row after the other.
    #[test]
    fn rows_and_values_are_bounded() {
        let mut rows = vec![Vec::new(); ROWS_MAX];
        assert_eq!(bounded(&rows, 1), Ok(()));
        rows.push(Vec::new());
        assert!(bounded(&rows, 1).is_err_and(|told| told.contains("5000000 rows")));
        let wide = |rows: usize| {
            let mut all = vec![Vec::new(); rows - 1];
            all.push(vec![Value::Unset; COLUMNS_MAX]);
            bounded(&all, 1)
        };
        assert_eq!(wide(VALUES_MAX / COLUMNS_MAX), Ok(()));
        let told = wide(VALUES_MAX / COLUMNS_MAX + 1);
        assert!(told.is_err_and(|told| told.contains("20000000 values")));
    }
}
