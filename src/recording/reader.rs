//! Reads a recording, also while it is being made. Must not know queries or how anything is shown.

use std::collections::BTreeMap;
use std::path::Path;

use alerting::evaluate::series::{
    INTERVAL_S, MetricInfo, PointValue, RawSeries, SeriesKind, SeriesSource, SourceError, infos,
};
use alerting::evaluate::sketch::Sketch;
use anyhow::{Context, bail};
use rusqlite::{Connection, Row, ToSql, params};
use serde_json::{Map, Value};

use super::schema;
use super::signal::{SpanId, TraceId};

/// Spans of a trace and log lines that are read at once.
const ROWS_MAX: u32 = 100_000;

/// A recording that is open.
pub struct Recording {
    file: Connection,
}

/// A trace in the list of those that were kept.
#[derive(Debug, Clone, PartialEq)]
pub struct TraceRow {
    /// Its id.
    pub id: TraceId,
    /// The service of its first span.
    pub root_service: String,
    /// The name of its first span.
    pub root_name: String,
    /// When it began, UNIX microseconds.
    pub start_us: i64,
    /// How long its first span took, microseconds.
    pub duration_us: i64,
    /// Spans that are recorded of it.
    pub spans: u64,
    /// Those of them that failed.
    pub errors: u64,
    /// The services it went through, sorted.
    pub services: Vec<String>,
    /// Why it was kept: `failed`, `slow` or `draw`.
    pub kept: String,
}

/// A recorded span.
#[derive(Debug, Clone, PartialEq)]
pub struct SpanRow {
    /// Its id.
    pub id: SpanId,
    /// What caused it.
    pub parent: Option<SpanId>,
    /// Who worked.
    pub service: String,
    /// What was done.
    pub name: String,
    /// `internal`, `server`, `client`, `producer` or `consumer`.
    pub kind: String,
    /// When it began, UNIX microseconds.
    pub start_us: i64,
    /// How long it took, microseconds.
    pub duration_us: i64,
    /// Whether it failed.
    pub failed: bool,
    /// Its attributes.
    pub attributes: Map<String, Value>,
    /// Spans that it continues: objects with `trace` and `span`, in hexadecimal digits.
    pub links: Vec<Value>,
}

/// Which traces are asked for; every condition that is given must hold.
#[derive(Debug, Clone, Default)]
pub struct TraceFilter {
    /// Slowest first instead of newest first.
    pub slowest_first: bool,
    /// Only those with a failed span.
    pub failed: bool,
    /// Only those that went through this service.
    pub service: Option<String>,
    /// Only those whose root's name contains this.
    pub route: Option<String>,
    /// So many at most.
    pub limit: u32,
}

/// A recorded log line.
#[derive(Debug, Clone, PartialEq)]
pub struct LogRow {
    /// UNIX milliseconds.
    pub at_ms: i64,
    /// `trace`, `debug`, `info`, `warn`, `error` or `fatal`.
    pub level: String,
    /// Who says so.
    pub service: String,
    /// What happened.
    pub message: String,
    /// During which trace.
    pub trace: Option<TraceId>,
    /// During which span.
    pub span: Option<SpanId>,
    /// Everything else.
    pub attributes: Map<String, Value>,
}

impl Recording {
    /// Opens the recording of a run.
    ///
    /// # Errors
    /// When the folder has none, or it cannot be read; the message says what to do.
    pub fn open(run_folder: &Path) -> anyhow::Result<Self> {
        let file = schema::open(run_folder)?;
        Ok(Self { file })
    }

    /// What is noted of the recording: `schema_version`, `started_ms`, `load_started_ms`, `interval_s`, and `dropped.…` by reason.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn meta(&self) -> anyhow::Result<BTreeMap<String, String>> {
        let pair = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
        let all = self.rows("SELECT key, value FROM meta", &[], pair)?;
        Ok(all.into_iter().collect())
    }

    /// Traces that were kept.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn traces(&self, filter: &TraceFilter) -> anyhow::Result<Vec<TraceRow>> {
        let order = match filter.slowest_first {
            true => "duration_us DESC, id",
            false => "start_us DESC, id",
        };
        let text = format!(
            "SELECT id, root_service, root_name, start_us, duration_us, spans, errors, services, kept FROM traces \
             WHERE (NOT ?1 OR errors > 0) AND (?2 IS NULL OR instr(',' || services || ',', ',' || ?2 || ',') > 0) \
             AND (?3 IS NULL OR instr(root_name, ?3) > 0) ORDER BY {order} LIMIT ?4"
        );
        let given = params![filter.failed, filter.service, filter.route, filter.limit];
        self.rows(&text, given, trace_row)
    }

    /// How many traces are kept.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn traces_kept(&self) -> anyhow::Result<u64> {
        let count = self
            .file
            .query_row("SELECT count(*) FROM traces", [], |row| row.get(0))?;
        Ok(count)
    }

    /// The trace whose id, or the lower half of it, begins so in hexadecimal digits; or whose lower half is this in decimal ones, as
    /// reports and Datadog name it.
    ///
    /// # Errors
    /// When none was kept, or several fit; the message names them.
    pub fn trace(&self, id: &str) -> anyhow::Result<TraceRow> {
        let digits = id.to_ascii_lowercase();
        if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            bail!(
                "'{id}' is no trace id: write its hexadecimal digits, as many as tell it from others, or its decimal id"
            );
        }
        let mut found = self.traces_like(&digits)?;
        // Reports name traces as Datadog does: the lower half in decimal digits.
        if let (true, Ok(low)) = (found.is_empty(), id.parse::<u64>()) {
            found = self.traces_like(&format!("{low:016x}"))?;
        }
        match found.len() {
            0 => bail!(
                "no trace '{id}' was kept; `loadgen traces RUN` lists those that were, which are the slowest, the failed and a draw"
            ),
            1 => Ok(found.remove(0)),
            _ => {
                let ids: Vec<String> = found
                    .iter()
                    .map(|row| telemetry::text::hex(row.id))
                    .collect();
                bail!(
                    "several traces begin with '{id}': {}; write more of it",
                    ids.join(", ")
                )
            }
        }
    }

    fn traces_like(&self, digits: &str) -> anyhow::Result<Vec<TraceRow>> {
        let text = "SELECT id, root_service, root_name, start_us, duration_us, spans, errors, services, kept FROM traces \
             WHERE lower(hex(id)) LIKE ?1 || '%' OR lower(hex(substr(id, 9))) LIKE ?1 || '%' LIMIT 6";
        self.rows(text, params![digits], trace_row)
    }

    /// The spans of a trace, by rising start.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn spans(&self, trace: TraceId) -> anyhow::Result<Vec<SpanRow>> {
        let text = "SELECT id, parent, service, name, kind, start_us, duration_us, error, attributes, links FROM spans \
             WHERE trace = ?1 ORDER BY start_us, id LIMIT ?2";
        self.rows(text, params![trace, ROWS_MAX], span_row)
    }

    /// All log lines, by rising time.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn logs(&self) -> anyhow::Result<Vec<LogRow>> {
        let text = "SELECT at_ms, level, service, message, trace, span, attributes FROM logs ORDER BY at_ms, rowid LIMIT ?1";
        self.rows(text, params![ROWS_MAX], log_row)
    }

    fn rows<T>(
        &self,
        text: &str,
        given: &[&dyn ToSql],
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> anyhow::Result<Vec<T>> {
        let mut statement = self.file.prepare(text)?;
        let rows = statement.query_map(given, read)?;
        let all: rusqlite::Result<Vec<T>> = rows.collect();
        all.context("the recording cannot be read")
    }

    fn points(&self, series: i64) -> anyhow::Result<Vec<(i64, PointValue)>> {
        let text = "SELECT at, value, sketch FROM points WHERE series = ?1 ORDER BY at";
        self.rows(text, params![series], |row| {
            let sketch: Option<Vec<u8>> = row.get(2)?;
            Ok((row.get(0)?, row.get::<_, Option<f64>>(1)?, sketch))
        })?
        .into_iter()
        .map(|(at, value, sketch)| {
            let value = match sketch {
                Some(bytes) => PointValue::Sketch(Sketch::from_bytes(&bytes)?),
                None => PointValue::Number(value.unwrap_or_default()),
            };
            Ok((at, value))
        })
        .collect()
    }

    /// The series of one metric, or of all, without their points; with their ids.
    fn names(&self, metric: Option<&str>) -> anyhow::Result<Vec<(i64, RawSeries)>> {
        let text = "SELECT id, metric, kind, unit, tags FROM series WHERE ?1 IS NULL OR metric = ?1 ORDER BY metric, kind, tags";
        self.rows(text, params![metric], |row| {
            let (kind, tags): (String, String) = (row.get(2)?, row.get(4)?);
            let series = RawSeries {
                metric: row.get(1)?,
                kind: SeriesKind::parse(&kind).unwrap_or(SeriesKind::Gauge),
                unit: row.get(3)?,
                interval_s: INTERVAL_S,
                tags: split(&tags),
                points: Vec::new(),
            };
            Ok((row.get(0)?, series))
        })
    }
}

impl SeriesSource for Recording {
    fn series(&self, metric: &str) -> Result<Vec<RawSeries>, SourceError> {
        let read = || -> anyhow::Result<Vec<RawSeries>> {
            let names = self.names(Some(metric))?.into_iter();
            names
                .map(|(id, series)| {
                    Ok(RawSeries {
                        points: self.points(id)?,
                        ..series
                    })
                })
                .collect()
        };
        read().map_err(|error| SourceError(format!("{error:#}")))
    }

    fn metrics(&self) -> Result<Vec<MetricInfo>, SourceError> {
        let names = self.names(None);
        let names = names.map_err(|error| SourceError(format!("{error:#}")))?;
        Ok(infos(names.iter().map(|(_, series)| series)))
    }
}

fn split(list: &str) -> Vec<String> {
    let parts = list.split(',').filter(|part| !part.is_empty());
    parts.map(str::to_owned).collect()
}

/// What this program writes is JSON; of a file that somebody changed, what can be read.
fn object(text: &str) -> Map<String, Value> {
    serde_json::from_str(text).unwrap_or_default()
}

fn trace_row(row: &Row<'_>) -> rusqlite::Result<TraceRow> {
    let services: String = row.get(7)?;
    Ok(TraceRow {
        id: row.get(0)?,
        root_service: row.get(1)?,
        root_name: row.get(2)?,
        start_us: row.get(3)?,
        duration_us: row.get(4)?,
        spans: row.get(5)?,
        errors: row.get(6)?,
        services: split(&services),
        kept: row.get(8)?,
    })
}

fn span_row(row: &Row<'_>) -> rusqlite::Result<SpanRow> {
    let (attributes, links): (String, String) = (row.get(8)?, row.get(9)?);
    Ok(SpanRow {
        id: row.get(0)?,
        parent: row.get(1)?,
        service: row.get(2)?,
        name: row.get(3)?,
        kind: row.get(4)?,
        start_us: row.get(5)?,
        duration_us: row.get(6)?,
        failed: row.get(7)?,
        attributes: object(&attributes),
        links: serde_json::from_str(&links).unwrap_or_default(),
    })
}

fn log_row(row: &Row<'_>) -> rusqlite::Result<LogRow> {
    let attributes: String = row.get(6)?;
    Ok(LogRow {
        at_ms: row.get(0)?,
        level: row.get(1)?,
        service: row.get(2)?,
        message: row.get(3)?,
        trace: row.get(4)?,
        span: row.get(5)?,
        attributes: object(&attributes),
    })
}
