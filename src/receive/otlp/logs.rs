//! Log records of OTLP in the recording's words. PURE.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::logs::v1::LogRecord;

use super::value::{Source, span_id, text, trace_id};
use crate::recording::shop_log;
use crate::recording::signal::{LogLine, NAME_BYTES_MAX, cut};

/// The lines of a request; `now_ms` is when those happened that do not say.
pub(super) fn lines(request: ExportLogsServiceRequest, now_ms: i64) -> Vec<LogLine> {
    let of_resource = request.resource_logs.into_iter();
    of_resource
        .flat_map(|of_resource| {
            let source = Source::of(of_resource.resource.as_ref());
            let records = of_resource.scope_logs.into_iter();
            let records = records.flat_map(|scope| scope.log_records);
            records
                .map(|record| line(&source, &record, now_ms))
                .collect::<Vec<_>>()
        })
        .collect()
}

fn line(source: &Source, record: &LogRecord, now_ms: i64) -> LogLine {
    let at = [record.time_unix_nano, record.observed_time_unix_nano];
    let at = at.into_iter().find(|at| *at > 0);
    LogLine {
        at_ms: at.map_or(now_ms, |nanos| (nanos / 1_000_000) as i64),
        level: level(record.severity_number, &record.severity_text),
        service: cut(&source.service, NAME_BYTES_MAX).to_owned(),
        message: text(record.body.as_ref()),
        trace: trace_id(&record.trace_id),
        span: span_id(&record.span_id),
        attributes: source.with(&record.attributes),
    }
}

fn level(number: i32, text: &str) -> &'static str {
    match number {
        1..=4 => "trace",
        5..=8 => "debug",
        9..=12 => "info",
        13..=16 => "warn",
        17..=20 => "error",
        21..=24 => "fatal",
        _ => shop_log::level(text),
    }
}
