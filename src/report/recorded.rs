//! What a report says about the recording of the system's telemetry.

use super::RunReport;
use super::text::{Style, titled};
use crate::recording::recorder::RecordingSummary;

/// What was recorded, in a line.
pub(super) fn recorded(recording: &RecordingSummary) -> String {
    let mut parts = vec![
        format!("{} series", recording.series),
        format!("{} of {} traces", recording.traces, recording.traces_seen),
    ];
    let rows = [
        (recording.logs, "log lines"),
        (recording.checks, "service checks"),
        (recording.events, "events"),
    ];
    let there = rows.into_iter().filter(|(count, _)| *count > 0);
    parts.extend(there.map(|(count, what)| format!("{count} {what}")));
    parts.push(format!("{:.1} MB", recording.bytes as f64 / 1e6));
    parts.join(" · ")
}

/// What was not, in a line; nothing if everything was.
pub(super) fn missing(recording: &RecordingSummary) -> Option<String> {
    let dropped = recording.dropped.iter();
    let mut parts: Vec<String> = dropped
        .map(|(reason, count)| format!("{count} {}", why(reason)))
        .collect();
    if let Some(failure) = &recording.failure {
        parts.push(format!("the file could not be written ({failure})"));
    }
    (!parts.is_empty()).then(|| parts.join(" · "))
}

/// A reason for people.
fn why(reason: &str) -> &str {
    match reason {
        "behind" => "came faster than could be recorded",
        "full" => "did not fit into the file",
        "series" => "belonged to further series",
        "late" => "were of another time",
        "malformed" => "were not understood",
        "unsupported" => "are of a kind that is not recorded",
        "spans" => "spans were too many or too late",
        "rows" => "lines, checks or events were too many",
        "write" => "could not be written",
        "senders" => "were dropped before they were sent",
        other => other,
    }
}

/// Both lines of the summary, where there is a recording.
pub(super) fn write(out: &mut String, report: &RunReport, style: Style) {
    let Some(recording) = &report.recording else {
        return;
    };
    let line = format!("recorded: {}", recorded(recording));
    titled(out, "recorded", &line, style);
    if let Some(missing) = missing(recording) {
        titled(
            out,
            "not recorded",
            &format!("not recorded: {missing}"),
            style,
        );
    }
}
