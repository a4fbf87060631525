//! Percentiles of response time over time, on a logarithmic axis; each line carries its name and newest value at its end.

use std::time::Duration;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::symbols::Marker;
use ratatui::text::{Line, Span};
use ratatui::widgets::canvas::{Canvas, Line as Stroke, Points};

use super::{Scene, clock};
use crate::measure::snapshot::Tick;
use crate::tui::scale::{LatencyAxis, TimeAxis, label, slice};
use crate::verdict::show_time;

/// The lines drawn, by index into the quantiles of a shape.
const LINES: [&str; 4] = ["p50", "p95", "p99", "p99.9"];

/// Room for the latency labels on the left.
pub(super) const LEFT: u16 = 7;

/// Room for names and values on the right.
pub(super) const RIGHT: u16 = 14;

/// Two ticks further apart than this many lengths are not joined: nothing was measured in between.
const GAP: f64 = 1.6;

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, scene: &Scene<'_>) {
    let title = Line::from(vec![
        Span::styled(
            "response time percentiles",
            Style::new().add_modifier(Modifier::BOLD),
        ),
        Span::styled(format!(" · {} ", scene.focus_name()), scene.palette.dim()),
    ]);
    let inner = scene.panel(frame, area, title);
    if inner.height < 3 || inner.width < LEFT + RIGHT + 8 {
        return;
    }
    let [chart, times] =
        Layout::vertical([Constraint::Fill(1), Constraint::Length(1)]).areas(inner);
    let [scale, plot, names] = Layout::horizontal([
        Constraint::Length(LEFT),
        Constraint::Fill(1),
        Constraint::Length(RIGHT),
    ])
    .areas(chart);
    let (time, latency) = (scene.time_axis(), scene.latency_axis());
    let plot = marks(frame, plot, scene, time);
    let beside = |area: Rect| Rect {
        y: plot.y,
        height: plot.height,
        ..area
    };
    let (scale, names) = (beside(scale), beside(names));
    latency_labels(frame, scale, scene, latency);
    lines(frame, plot, scene, time, latency);
    line_names(frame, names, scene, latency);
    time_labels(
        frame,
        Rect {
            x: plot.x,
            width: plot.width,
            ..times
        },
        scene,
        time,
    );
}

fn lines(
    frame: &mut Frame<'_>,
    area: Rect,
    scene: &Scene<'_>,
    time: TimeAxis,
    latency: LatencyAxis,
) {
    let strokes: Vec<Vec<Stroke>> = (0..LINES.len())
        .map(|line| strokes(scene, line, latency))
        .collect();
    let canvas = Canvas::default()
        .marker(Marker::Braille)
        .x_bounds([time.from, time.to])
        .y_bounds([0.0, 1.0])
        .paint(|context| {
            // The lowest percentile last: where lines meet, it is the one to be seen.
            for strokes in strokes.iter().rev() {
                for stroke in strokes {
                    match stroke.x1 == stroke.x2 {
                        true => context.draw(&Points {
                            coords: &[(stroke.x1, stroke.y1)],
                            color: stroke.color,
                        }),
                        false => context.draw(stroke),
                    }
                }
                context.layer();
            }
        });
    // Behind lines drawn before, nothing may be erased: a canvas leaves empty cells alone.
    frame.render_widget(canvas, area);
}

/// The pieces of one line; a lone reading is a piece without length.
fn strokes(scene: &Scene<'_>, line: usize, latency: LatencyAxis) -> Vec<Stroke> {
    let color = scene.palette.series(line).fg.unwrap_or_default();
    let mut pieces = Vec::new();
    let mut before: Option<(f64, f64)> = None;
    for tick in &scene.snapshot.history {
        let (x, length) = (middle(tick), tick.length.as_secs_f64());
        let value = slice(tick, scene.ui.focus).and_then(|slice| slice.response.quantile(line));
        let Some(value) = value else {
            continue;
        };
        let y = latency.share(value).clamp(0.0, 1.0);
        let (x1, y1) = before
            .filter(|(x1, _)| x - x1 < length * GAP)
            .unwrap_or((x, y));
        pieces.push(Stroke {
            x1,
            y1,
            x2: x,
            y2: y,
            color,
        });
        before = Some((x, y));
    }
    pieces
}

fn middle(tick: &Tick) -> f64 {
    tick.at.as_secs_f64() - tick.length.as_secs_f64() / 2.0
}

/// Names and newest values, each beside its line's end; the order of percentiles is kept.
fn line_names(frame: &mut Frame<'_>, area: Rect, scene: &Scene<'_>, latency: LatencyAxis) {
    let newest = scene.snapshot.history.back();
    let Some(shape) = newest.and_then(|tick| slice(tick, scene.ui.focus)) else {
        return;
    };
    let mut rows: Vec<(u16, usize, Duration)> = Vec::new();
    for line in (0..LINES.len()).rev() {
        if let Some(value) = shape.response.quantile(line) {
            let above = rows.last().map_or(0, |(row, ..)| row + 1);
            rows.push((latency.row(value, area.height).max(above), line, value));
        }
    }
    // What was pushed out below comes up again.
    let mut bottom = area.height;
    for (row, ..) in rows.iter_mut().rev() {
        *row = (*row).min(bottom.saturating_sub(1));
        bottom = *row;
    }
    for (row, line, value) in rows {
        let text = format!(" {:<5} {}", LINES[line], show_time(value));
        let style = scene.palette.series(line);
        frame
            .buffer_mut()
            .set_stringn(area.x, area.y + row, text, usize::from(area.width), style);
    }
}

/// Latencies at the left edge of a chart.
pub(super) fn latency_labels(
    frame: &mut Frame<'_>,
    area: Rect,
    scene: &Scene<'_>,
    axis: LatencyAxis,
) {
    for (row, time) in axis.labels(area.height) {
        let text = format!("{:>6}", label(time));
        frame
            .buffer_mut()
            .set_string(area.x, area.y + row, text, scene.palette.dim());
    }
}

/// Times below a chart, as many as there is room for.
pub(super) fn time_labels(frame: &mut Frame<'_>, area: Rect, scene: &Scene<'_>, axis: TimeAxis) {
    let parts = (area.width / 16).clamp(1, 6);
    for part in 0..=parts {
        let at = axis.from + (axis.to - axis.from) * f64::from(part) / f64::from(parts);
        let text = clock(Duration::from_secs_f64(at.max(0.0)));
        let length = u16::try_from(text.len()).unwrap_or(5);
        let x = area.x + (u32::from(area.width) * u32::from(part) / u32::from(parts)) as u16;
        let x = match part {
            0 => x,
            _ if part == parts => x.saturating_sub(length),
            _ => x.saturating_sub(length / 2),
        };
        frame
            .buffer_mut()
            .set_string(x, area.y, text, scene.palette.dim());
    }
}

/// From this height on a chart has a row for the names of its marks.
const NAMED: u16 = 12;

/// Upright lines where a phase begins, the rate was changed by hand or a fault came. Returns what is left for the chart: in a
/// high one the first row is for names.
pub(super) fn marks(frame: &mut Frame<'_>, area: Rect, scene: &Scene<'_>, axis: TimeAxis) -> Rect {
    let mut found = in_sight(scene, axis, area.width);
    found.sort_by_key(|(column, ..)| *column);
    let named = area.height >= NAMED;
    let buffer = frame.buffer_mut();
    for (index, (column, text, style)) in found.iter().enumerate() {
        for row in 0..area.height {
            buffer.set_string(area.x + column, area.y + row, "┊", *style);
        }
        let next = found.get(index + 1).map_or(area.width, |(next, ..)| *next);
        let room = usize::from(next - column).saturating_sub(1);
        // Half a name says nothing.
        if named && text.chars().count() <= room {
            buffer.set_string(area.x + column + 1, area.y, text, *style);
        }
    }
    let names = u16::from(named);
    Rect {
        y: area.y + names,
        height: area.height - names,
        ..area
    }
}

fn in_sight<'a>(scene: &Scene<'a>, axis: TimeAxis, width: u16) -> Vec<(u16, &'a str, Style)> {
    let phases = scene.subject.phases.iter().skip(1);
    let phases = phases
        .filter(|(_, begin)| *begin <= scene.snapshot.elapsed)
        .map(|(name, begin)| (*begin, name.as_str(), scene.palette.dim()));
    let by_hand = scene.snapshot.marks.iter();
    let by_hand = by_hand.map(|mark| (mark.at, mark.text.as_str(), scene.palette.warn()));
    let faults = scene.snapshot.faults.iter();
    let faults = faults.map(|fault| (fault.since, fault.name.as_str(), scene.palette.bad()));
    let all = phases.chain(by_hand).chain(faults);
    all.filter_map(|(at, text, style)| Some((axis.column(at.as_secs_f64(), width)?, text, style)))
        .collect()
}
