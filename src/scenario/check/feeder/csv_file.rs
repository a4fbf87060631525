//! Rows of CSV with a header line.

use super::{Rows, bounded};
use crate::template::Value;

/// A reader for CSV with a header line.
pub(in crate::scenario::check) fn csv_reader(
    text: &str,
    trim: csv::Trim,
    delimiter: u8,
) -> csv::Reader<&[u8]> {
    csv::ReaderBuilder::new()
        .trim(trim)
        .delimiter(delimiter)
        .from_reader(text.as_bytes())
}

pub(super) fn csv_rows(text: &str, delimiter: u8) -> Result<Rows, String> {
    if let Some(delimiter) = other_delimiter(text, delimiter) {
        let written = if delimiter == '\t' {
            "tab".to_owned()
        } else {
            delimiter.to_string()
        };
        return Err(format!(
            "its first line has no comma, but `{written}` between its names: add `delimiter: \"{written}\"`"
        ));
    }
    // Space around a field is not part of it, space inside its quotes is: the reader cannot tell them apart.
    let mut reader = csv_reader(text, csv::Trim::Headers, delimiter);
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
        let row =
            csv_row(&record, written, delimiter).map_err(|what| format!("line {line} {what}"))?;
        rows.push(row);
        bounded(&rows, line)?;
    }
    Ok((columns, rows))
}

/// What seems to stand between the names of the first line, if that is not what was expected.
fn other_delimiter(text: &str, delimiter: u8) -> Option<char> {
    let line = text.lines().next().unwrap_or_default();
    let is_expected = delimiter != b',' || line.contains([',', '"']);
    [';', '\t', '|']
        .into_iter()
        .find(|other| !is_expected && line.contains(*other))
}

/// The values of a record that is written so.
fn csv_row(
    record: &csv::StringRecord,
    written: &str,
    delimiter: u8,
) -> Result<Vec<Value>, &'static str> {
    let text = |text: &str| Value::Text(text.into());
    if !written.contains('"') {
        return Ok(record.iter().map(|field| text(field.trim())).collect());
    }
    let fields = record
        .iter()
        .zip(after_quotes(written, char::from(delimiter)));
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
fn after_quotes(record: &str, delimiter: char) -> Vec<Option<&str>> {
    let mut rest = record.trim_matches(['\r', '\n']);
    let mut fields = Vec::new();
    loop {
        let closed = rest.strip_prefix('"').map(|inner| {
            let end = closing_quote(inner);
            inner.get(end + 1..).unwrap_or_default()
        });
        let tail = closed.unwrap_or(rest);
        let end = tail.find(delimiter).unwrap_or(tail.len());
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

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<Vec<String>> {
        let (_, rows) = csv_rows(text, b',').expect("rows");
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
            let error = csv_rows(&format!("a,b\n{record}\n"), b',').expect_err("a problem");
            assert!(error.starts_with(problem), "{error}");
        }
    }
}
