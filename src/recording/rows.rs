//! Writes rows into the recording's file. What comes from outside is shown to a redactor first.

use std::collections::{BTreeSet, HashMap};

use alerting::evaluate::series::{PointValue, SeriesKind};
use alerting::evaluate::sketch::Sketch;
use rusqlite::{Connection, OptionalExtension as _, params};
use serde_json::{Map, Value};

use super::intervals::{Closed, NewSeries, Point, SeriesId};
use super::signal::{Event, LogLine, ServiceCheck, Span, Tags};
use super::traces::{Judged, Kept};
use crate::redact::{Redactor, mark};

/// Prepared statements that are kept.
const STATEMENTS_MAX: usize = 32;

/// The file, and what has to be known to write into it.
pub(super) struct Rows {
    pub(super) file: Connection,
    redactor: Redactor,
    kinds: HashMap<SeriesId, SeriesKind>,
}

impl Rows {
    pub(super) fn new(file: Connection, redactor: Redactor) -> Self {
        file.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
        Self {
            file,
            redactor,
            kinds: HashMap::new(),
        }
    }

    /// Size of the file without its journal, bytes.
    pub(super) fn bytes(&self) -> rusqlite::Result<u64> {
        let pragma = |name| self.file.pragma_query_value(None, name, |row| row.get(0));
        let (pages, size): (u64, u64) = (pragma("page_count")?, pragma("page_size")?);
        Ok(pages * size)
    }

    pub(super) fn meta(&self, key: &str, value: &str) -> rusqlite::Result<()> {
        self.file
            .prepare_cached("INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)")?
            .execute(params![key, value])
            .map(drop)
    }

    pub(super) fn closed(&mut self, closed: &Closed) -> rusqlite::Result<()> {
        for series in &closed.series {
            self.series(series)?;
        }
        closed.points.iter().try_for_each(|point| self.point(point))
    }

    fn series(&mut self, series: &NewSeries) -> rusqlite::Result<()> {
        let NewSeries { id, name, unit } = series;
        self.kinds.insert(*id, name.kind);
        self.file
            .prepare_cached(
                "INSERT OR IGNORE INTO series (id, metric, kind, unit, tags) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![id, name.metric, name.kind.text(), unit, self.tags(&name.tags)])
            .map(drop)
    }

    fn point(&self, point: &Point) -> rusqlite::Result<()> {
        if self.insert(point, "IGNORE")? {
            return Ok(());
        }
        // Its interval was closed before: what came late joins it.
        let there: Option<(Option<f64>, Option<Vec<u8>>)> = self
            .file
            .prepare_cached("SELECT value, sketch FROM points WHERE series = ?1 AND at = ?2")?
            .query_row(params![point.series, point.at], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .optional()?;
        let kind = self.kinds.get(&point.series).copied();
        let value = joined(kind, there.unwrap_or_default(), &point.value);
        self.insert(&Point { value, ..*point }, "REPLACE").map(drop)
    }

    fn insert(&self, point: &Point, conflict: &str) -> rusqlite::Result<bool> {
        let (value, sketch) = match &point.value {
            PointValue::Number(value) => (Some(*value), None),
            PointValue::Sketch(sketch) => (None, Some(sketch.to_bytes())),
        };
        let text = format!(
            "INSERT OR {conflict} INTO points (series, at, value, sketch) VALUES (?1, ?2, ?3, ?4)"
        );
        let mut statement = self.file.prepare_cached(&text)?;
        let changed = statement.execute(params![point.series, point.at, value, sketch])?;
        Ok(changed > 0)
    }

    pub(super) fn judged(&self, judged: &Judged) -> rusqlite::Result<()> {
        for kept in &judged.kept {
            self.trace(kept)?;
        }
        let mut touched = BTreeSet::new();
        for span in &judged.late {
            self.span(span)?;
            touched.insert(span.trace);
        }
        touched.iter().try_for_each(|trace| {
            self.file
                .prepare_cached(
                    "UPDATE traces SET spans = (SELECT count(*) FROM spans WHERE trace = ?1), \
                     errors = (SELECT sum(error) FROM spans WHERE trace = ?1), \
                     services = (SELECT group_concat(service) FROM \
                     (SELECT DISTINCT service FROM spans WHERE trace = ?1 ORDER BY service)) WHERE id = ?1",
                )?
                .execute([trace])
                .map(drop)
        })
    }

    fn trace(&self, kept: &Kept) -> rusqlite::Result<()> {
        let Kept { why, root, spans } = kept;
        let Some(first) = spans.first() else {
            return Ok(());
        };
        let services: BTreeSet<&str> = spans.iter().map(|span| span.service.as_str()).collect();
        let services: Vec<&str> = services.into_iter().collect();
        let errors = spans.iter().filter(|span| span.failed).count();
        self.file
            .prepare_cached(
                "INSERT OR REPLACE INTO traces (id, root_service, root_name, start_us, duration_us, spans, errors, services, kept) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            )?
            .execute(params![
                first.trace,
                root.service,
                self.shown(&root.name),
                root.start_us,
                root.duration_us,
                spans.len(),
                errors,
                services.join(","),
                why.text(),
            ])?;
        spans.iter().try_for_each(|span| self.span(span))
    }

    fn span(&self, span: &Span) -> rusqlite::Result<()> {
        let hex = |id: &[u8]| telemetry::text::hex(id);
        let links = span.links.iter();
        let links =
            links.map(|(trace, id)| serde_json::json!({"trace": hex(trace), "span": hex(id)}));
        self.file
            .prepare_cached(
                "INSERT OR REPLACE INTO spans (trace, id, parent, service, name, kind, start_us, duration_us, error, attributes, links) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
            )?
            .execute(params![
                span.trace,
                span.id,
                span.parent,
                span.service,
                self.shown(&span.name),
                span.kind,
                span.start_us,
                span.duration_us,
                span.failed,
                self.attributes(&span.attributes),
                Value::Array(links.collect()).to_string(),
            ])
            .map(drop)
    }

    pub(super) fn log(&self, line: &LogLine) -> rusqlite::Result<()> {
        self.file
            .prepare_cached(
                "INSERT INTO logs (at_ms, level, service, message, trace, span, attributes) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute(params![
                line.at_ms,
                line.level,
                line.service,
                self.shown(&line.message),
                line.trace,
                line.span,
                self.attributes(&line.attributes),
            ])
            .map(drop)
    }

    pub(super) fn check(&self, check: &ServiceCheck, now_s: i64) -> rusqlite::Result<()> {
        self.file
            .prepare_cached(
                "INSERT INTO checks (at_s, name, status, tags, message) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![
                check.at_s.unwrap_or(now_s),
                check.name,
                check.status,
                self.tags(&check.tags),
                self.shown(&check.message),
            ])
            .map(drop)
    }

    pub(super) fn event(&self, event: &Event, now_s: i64) -> rusqlite::Result<()> {
        self.file
            .prepare_cached("INSERT INTO events (at_s, title, text, tags) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![
                event.at_s.unwrap_or(now_s),
                self.shown(&event.title),
                self.shown(&event.text),
                self.tags(&event.tags),
            ])
            .map(drop)
    }

    /// Tags without what is secret by its name or its looks, in the same form.
    fn tags(&self, tags: &Tags) -> String {
        let shown = |tag: &str| match tag.split_once(':') {
            Some((key, value)) if self.redactor.is_secret(key) => format!("{key}:{}", mark(value)),
            _ => self.redactor.show_line(tag).to_string(),
        };
        let all: Vec<String> = tags.as_str().split(',').map(shown).collect();
        Tags::of(all).as_str().to_owned()
    }

    fn shown(&self, text: &str) -> String {
        self.redactor.show(text).into()
    }

    /// As JSON, without what is secret by its name or its looks.
    fn attributes(&self, attributes: &Map<String, Value>) -> String {
        let shown = |(key, value): (&String, &Value)| {
            let value = match value.as_str() {
                Some(text) if self.redactor.is_secret(key) => mark(text).into(),
                _ => self.redactor.show_json(value.clone(), ""),
            };
            (self.redactor.show_line(key).to_string(), value)
        };
        Value::Object(attributes.iter().map(shown).collect()).to_string()
    }
}

/// A point that is there and what came late for its interval.
fn joined(
    kind: Option<SeriesKind>,
    (value, sketch): (Option<f64>, Option<Vec<u8>>),
    more: &PointValue,
) -> PointValue {
    match more {
        PointValue::Sketch(more) => {
            // What this program wrote it can read.
            let there = sketch.and_then(|bytes| Sketch::from_bytes(&bytes).ok());
            let mut all = there.unwrap_or_default();
            all.merge(more);
            PointValue::Sketch(all)
        }
        PointValue::Number(more) => {
            let there = value.unwrap_or_default();
            PointValue::Number(match kind {
                Some(SeriesKind::Count | SeriesKind::Rate) => there + more,
                Some(SeriesKind::Set) => there.max(*more),
                _ => *more,
            })
        }
    }
}
