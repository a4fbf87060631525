//! Feeders: rows from CSV and JSON-lines files.

use std::fmt;
use std::fs::File as FsFile;
use std::io::Read;
use std::path::Path;

use checked_yaml::Place;
use indexmap::IndexMap;
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::report::Report;
use super::template;
use crate::scenario::file::{ExhaustedShape, FeederOrderShape, FeederShape, File};
use crate::scenario::{Exhausted, Feeder, FeederOrder};
use crate::template::{Scalar, VALUE_BYTES_MAX, Value};

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
    let text = read_table(&folder.join(&shape.file)).and_then(|text| within(bytes_left, text));
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

/// Reads a text file of bounded size that holds a table, without the mark that some programs put in front of UTF-8.
pub(super) fn read_table(path: &Path) -> Result<String, String> {
    let mut text = read_text(path)?;
    if text.starts_with('\u{feff}') {
        text.remove(0);
    }
    Ok(text)
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
pub(super) fn csv_reader(text: &str, trim: csv::Trim) -> csv::Reader<&[u8]> {
    csv::ReaderBuilder::new()
        .trim(trim)
        .from_reader(text.as_bytes())
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

fn csv_rows(text: &str) -> Result<Rows, String> {
    // Space around a field is not part of it, space inside its quotes is: the reader cannot tell them apart.
    let mut reader = csv_reader(text, csv::Trim::Headers);
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
    let mut record = csv::StringRecord::new();
    let offset = |byte: u64| usize::try_from(byte).unwrap_or(usize::MAX);
    while reader
        .read_record(&mut record)
        .map_err(|error| ragged(&error, columns.len()))?
    {
        let (from, line) = record
            .position()
            .map_or((0, 0), |position| (position.byte(), position.line()));
        let written = offset(from)..offset(reader.position().byte());
        let written = text.get(written).unwrap_or_default();
        let row = csv_row(&record, written).map_err(|what| format!("line {line} {what}"))?;
        rows.push(row);
        bounded(&rows, line)?;
    }
    Ok((columns, rows))
}

/// The values of a record that is written so.
fn csv_row(record: &csv::StringRecord, written: &str) -> Result<Vec<Value>, &'static str> {
    let text = |text: &str| Value::Text(text.into());
    if !written.contains('"') {
        return Ok(record.iter().map(|field| text(field.trim())).collect());
    }
    let fields = record.iter().zip(after_quotes(written));
    let value = |(field, after): (&str, Option<&str>)| match after {
        None if field.trim_start().starts_with('"') => Err(
            "has a space before a quote, which makes the quotes part of the value: take the space out",
        ),
        None => Ok(text(field.trim())),
        Some(after) if after.trim().is_empty() => {
            // The reader takes what follows the quotes into the value.
            Ok(text(field.strip_suffix(after).unwrap_or(field)))
        }
        Some(_) => {
            Err("has text after a closing quote: a quote within quotes is written twice (`\"\"`)")
        }
    };
    fields.map(value).collect()
}

/// Of each field of a record: what follows its closing quote, if it is in quotes.
fn after_quotes(record: &str) -> Vec<Option<&str>> {
    let mut rest = record.trim_matches(['\r', '\n']);
    let mut fields = Vec::new();
    loop {
        let closed = rest.strip_prefix('"').map(|inner| {
            let end = closing_quote(inner);
            inner.get(end + 1..).unwrap_or_default()
        });
        let tail = closed.unwrap_or(rest);
        let end = tail.find(',').unwrap_or(tail.len());
        fields.push(closed.map(|_| &tail[..end]));
        match tail.get(end + 1..) {
            Some(next) => rest = next,
            None => return fields,
        }
    }
}

/// Where the quotes around a field end: at the first quote that is not doubled.
fn closing_quote(inner: &str) -> usize {
    let mut from = 0;
    while let Some(at) = inner[from..].find('"').map(|at| at + from) {
        if !inner[at + 1..].starts_with('"') {
            return at;
        }
        from = at + 2;
    }
    inner.len()
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
        let row: JsonRow<'_> = serde_json::from_str(line)
            .map_err(|error| format!("line {number} is not a JSON object ({error})"))?;
        let object = row.0;
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
        let value = |column: &String| {
            Scalar::of_json(object[column].get())
                .map(Scalar::into_value)
                .ok_or_else(|| format!("line {number}: `{column}` is no text that JSON allows"))
        };
        rows.push(columns.iter().map(value).collect::<Result<_, _>>()?);
        bounded(&rows, number as u64)?;
    }
    Ok((columns, rows))
}

/// An object whose values are still as they are written.
struct JsonRow<'a>(IndexMap<String, &'a RawValue>);

impl<'de: 'a, 'a> Deserialize<'de> for JsonRow<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(RowVisitor)
    }
}

struct RowVisitor;

impl<'de> Visitor<'de> for RowVisitor {
    type Value = JsonRow<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut row = IndexMap::new();
        while let Some((key, value)) = map.next_entry::<String, &'de RawValue>()? {
            if row.contains_key(&key) {
                return Err(A::Error::custom(format_args!("`{key}` stands in it twice")));
            }
            row.insert(key, value);
        }
        Ok(JsonRow(row))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<Vec<String>> {
        let (_, rows) = csv_rows(text).expect("rows");
        let text = |value: &Value| value.as_scalar().to_text().into_owned();
        rows.iter()
            .map(|row| row.iter().map(text).collect())
            .collect()
    }

    #[test]
    fn space_inside_quotes_is_part_of_a_value_and_space_outside_is_not() {
        let text =
            "a,b,c\r\n\" x \", y , z\r\n\"1,\"\"2\"\" \" ,\"\",\" \n3\"\nplain,5\" disc, 6\n";
        let rows = [
            [" x ", "y", "z"],
            ["1,\"2\" ", "", " \n3"],
            ["plain", "5\" disc", "6"],
        ];
        assert_eq!(texts(text), rows);
    }

    #[test]
    fn quotes_that_would_become_part_of_a_value_are_refused() {
        for (record, problem) in [
            ("1, \"2\"", "line 2 has a space before a quote"),
            ("1,\"2\"x", "line 2 has text after a closing quote"),
        ] {
            let error = csv_rows(&format!("a,b\n{record}\n")).expect_err("a problem");
            assert!(error.starts_with(problem), "{error}");
        }
    }

    #[test]
    fn json_rows_keep_types_and_digits() {
        let line = r#"{"n":"x","qty":3,"ok":true,"v":1.10,"id":12345678901234567890,"none":null,"tags":[1, 2]}"#;
        let (columns, rows) = json_rows(line).expect("rows");
        assert_eq!(columns.len(), 7);
        let text = |text: &str| Value::Text(text.into());
        let values = [
            text("x"),
            Value::Int(3),
            Value::Bool(true),
            Value::Number("1.10".into()),
            Value::Number("12345678901234567890".into()),
            Value::Unset,
            Value::Json("[1,2]".into()),
        ];
        assert_eq!(rows, [values]);
        let twice = json_rows(r#"{"a":1,"a":2}"#).expect_err("a problem");
        assert!(twice.contains("`a` stands in it twice"), "{twice}");
    }

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
