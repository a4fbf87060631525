//! The table of steps, and the order of its rows.

use std::time::Duration;

use ratatui::Frame;
use ratatui::layout::{Constraint, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Cell, Row, Table, TableState};

use super::{Scene, grouped, shortened};
use crate::measure::snapshot::{Snapshot, StepSummary};
use crate::tui::keys::Sort;
use crate::tui::scale::slice;
use crate::verdict::show_time;

/// Ticks over which the rate of a step is averaged.
const RATE_TICKS: usize = 5;

/// Ticks of the small line at the end of a row.
const TREND_TICKS: usize = 16;

/// Steps in the order asked for. Steps that were never sent come last.
pub fn order(snapshot: &Snapshot, sort: Sort) -> Vec<u16> {
    let figures = u16::try_from(snapshot.figures.len()).unwrap_or(u16::MAX);
    let mut rows: Vec<u16> = (0..figures).collect();
    let key = |row: &u16| {
        let slice = &snapshot.figures[usize::from(*row)];
        let quantile = |index| {
            slice
                .response
                .quantile(index)
                .map_or(0.0, |t: Duration| t.as_secs_f64())
        };
        let value = match sort {
            Sort::Order => 0.0,
            Sort::Rate => rate(snapshot, Some(*row)),
            Sort::P50 => quantile(0),
            Sort::P95 => quantile(1),
            Sort::P99 => quantile(2),
            Sort::P999 => quantile(3),
            Sort::Max => quantile(4),
            Sort::Errors => slice.errors as f64,
        };
        (slice.finished == 0, value)
    };
    rows.sort_by(|a, b| {
        let ((never_a, a), (never_b, b)) = (key(a), key(b));
        never_a.cmp(&never_b).then(b.total_cmp(&a))
    });
    rows
}

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, scene: &Scene<'_>) {
    let title = Line::from(vec![
        Span::styled("steps", Style::new().add_modifier(Modifier::BOLD)),
        Span::styled(
            " · rate now, times of the whole run so far ",
            scene.palette.dim(),
        ),
    ]);
    let inner = scene.panel(frame, area, title);
    let trend = inner.width >= 90;
    let rows = order(scene.snapshot, scene.ui.sort);
    let selected = scene
        .ui
        .focus
        .and_then(|focus| rows.iter().position(|row| *row == focus));
    let name_width = usize::from(inner.width.saturating_sub(if trend { 90 } else { 60 }));
    let all = row(scene, "all steps", &scene.snapshot.all, None, trend)
        .style(Style::new().add_modifier(Modifier::BOLD));
    let others = rows.iter().map(|figure| {
        let name = shortened(scene.figure(*figure), name_width);
        row(
            scene,
            &name,
            &scene.snapshot.figures[usize::from(*figure)],
            Some(*figure),
            trend,
        )
    });
    let mut widths = vec![Constraint::Fill(1)];
    let times = columns(trend).len() - 3;
    widths.extend(std::iter::repeat_n(Constraint::Length(9), times + 1));
    widths.push(Constraint::Length(8));
    if trend {
        widths.push(Constraint::Length(TREND_TICKS as u16 + 2));
    }
    let table = Table::new(std::iter::once(all).chain(others), widths)
        .header(head(scene, trend))
        .column_spacing(1)
        .row_highlight_style(Style::new().add_modifier(Modifier::REVERSED));
    let mut state = TableState::new().with_selected(selected.map(|row| row + 1));
    frame.render_stateful_widget(table, inner, &mut state);
}

/// The columns that there is room for, and what sorts by them.
fn columns(wide: bool) -> Vec<(&'static str, Sort)> {
    let all = [
        ("step", Sort::Order),
        ("rate", Sort::Rate),
        ("p50", Sort::P50),
        ("p95", Sort::P95),
        ("p99", Sort::P99),
        ("p99.9", Sort::P999),
        ("max", Sort::Max),
        ("errors", Sort::Errors),
    ];
    all.into_iter()
        .filter(|(_, sort)| wide || *sort != Sort::P999)
        .collect()
}

fn head(scene: &Scene<'_>, trend: bool) -> Row<'static> {
    let mut cells: Vec<Cell<'_>> = columns(trend)
        .into_iter()
        .map(|(name, sort)| {
            let text = if scene.ui.sort == sort && sort != Sort::Order {
                format!("▼ {name}")
            } else {
                name.to_owned()
            };
            let line = Line::from(text);
            Cell::from(if sort == Sort::Order {
                line
            } else {
                line.right_aligned()
            })
        })
        .collect();
    if trend {
        cells.push(Cell::from(Line::from("  p99 lately")));
    }
    Row::new(cells).style(scene.palette.dim())
}

fn row<'a>(
    scene: &Scene<'_>,
    name: &str,
    sums: &StepSummary,
    figure: Option<u16>,
    trend: bool,
) -> Row<'a> {
    let right = |text: String| Cell::from(Line::from(text).right_aligned());
    let time = |index| {
        right(
            sums.response
                .quantile(index)
                .map_or("–".to_owned(), show_time),
        )
    };
    let errors = Line::from(grouped(sums.errors)).right_aligned();
    let mut cells = vec![
        Cell::from(name.to_owned()),
        right(format!("{:.1}/s", rate(scene.snapshot, figure))),
    ];
    let times: &[usize] = if trend {
        &[0, 1, 2, 3, 4]
    } else {
        &[0, 1, 2, 4]
    };
    cells.extend(times.iter().map(|index| time(*index)));
    cells.extend([Cell::from(if sums.errors > 0 {
        errors.style(scene.palette.bad())
    } else {
        errors
    })]);
    if trend {
        let line = format!("  {}", spark(scene.snapshot, figure));
        cells.push(Cell::from(Line::styled(line, scene.palette.accent())));
    }
    Row::new(cells)
}

/// Steps a second over the last few ticks.
fn rate(snapshot: &Snapshot, figure: Option<u16>) -> f64 {
    let last = || snapshot.history.iter().rev().take(RATE_TICKS);
    let seconds: f64 = last().map(|tick| tick.length.as_secs_f64()).sum();
    let steps = last().filter_map(|tick| slice(tick, figure));
    steps.map(|slice| slice.finished).sum::<u64>() as f64 / seconds.max(1e-9)
}

/// The last ticks' p99, between their own lowest and highest, on a logarithmic scale.
fn spark(snapshot: &Snapshot, figure: Option<u16>) -> String {
    const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let skipped = snapshot.history.len().saturating_sub(TREND_TICKS);
    let values: Vec<Option<f64>> = snapshot
        .history
        .iter()
        .skip(skipped)
        .map(|tick| slice(tick, figure)?.response.quantile(2))
        .map(|time| time.map(|time| time.as_secs_f64().max(1e-6).ln()))
        .collect();
    let known = || values.iter().flatten().copied();
    let (low, high) = (
        known().fold(f64::MAX, f64::min),
        known().fold(f64::MIN, f64::max),
    );
    // A line that hardly moves must not look like mountains: a factor of 1.5 is the least that fills the height.
    let span = (high - low).max(1.5_f64.ln());
    let level = |value: f64| LEVELS[(((value - low) / span * 7.0).round() as usize).min(7)];
    values
        .iter()
        .map(|value| value.map_or(' ', level))
        .collect()
}
