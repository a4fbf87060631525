//! Errors by kind, and one of each to look at.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Row, Table, TableState, Wrap};

use super::{Scene, clock, grouped, shortened};
use crate::measure::samples::Sample;
use crate::measure::snapshot::ErrorKind;
use crate::tui::keys::{Mode, Tab};
use crate::verdict::show_time;

/// The list alone.
pub(super) fn list(frame: &mut Frame<'_>, area: Rect, scene: &Scene<'_>) {
    let title = Line::from(vec![
        Span::styled("errors", Style::new().add_modifier(Modifier::BOLD)),
        Span::styled(
            match scene.mode {
                Mode::Replay => " · of the whole run ",
                _ => " · so far, by kind ",
            },
            scene.palette.dim(),
        ),
    ]);
    let inner = scene.panel(frame, area, title);
    if scene.snapshot.errors.is_empty() {
        let line = Line::styled(" No step has failed so far.", scene.palette.dim());
        return frame.render_widget(line, inner);
    }
    let widths = [
        Constraint::Length(8),
        Constraint::Fill(2),
        Constraint::Fill(2),
        Constraint::Length(20),
    ];
    let rows = scene
        .snapshot
        .errors
        .iter()
        .map(|kind| row(scene, kind, inner.width));
    let head = Row::new(["   count", "error", "step", "trace id"]).style(scene.palette.dim());
    let table = Table::new(rows, widths)
        .header(head)
        .row_highlight_style(Style::new().add_modifier(Modifier::REVERSED));
    let on_page = scene.ui.tab == Tab::Errors;
    let mut state = TableState::new().with_selected(on_page.then_some(scene.ui.error));
    frame.render_stateful_widget(table, inner, &mut state);
}

fn row<'a>(scene: &Scene<'_>, kind: &ErrorKind, width: u16) -> Row<'a> {
    let each = usize::from(width.saturating_sub(31) / 2);
    let trace = kind
        .example
        .as_ref()
        .and_then(|example| example.trace_id.clone());
    Row::new([
        Line::from(grouped(kind.count))
            .right_aligned()
            .style(scene.palette.bad()),
        Line::from(shortened(&kind.name, each)),
        Line::from(shortened(scene.figure(kind.figure), each)),
        Line::from(trace.unwrap_or_else(|| "–".to_owned())),
    ])
}

/// The list with the selected error's example.
pub(super) fn page(frame: &mut Frame<'_>, area: Rect, scene: &Scene<'_>) {
    let kinds = u16::try_from(scene.snapshot.errors.len()).unwrap_or(u16::MAX);
    let height = kinds.saturating_add(2).clamp(3, area.height / 2);
    let [upper, lower] =
        Layout::vertical([Constraint::Length(height), Constraint::Fill(1)]).areas(area);
    list(frame, upper, scene);
    let selected = scene.snapshot.errors.get(scene.ui.error);
    if let Some(example) = selected.and_then(|kind| kind.example.as_deref()) {
        example_of(frame, lower, scene, example);
    }
}

fn example_of(frame: &mut Frame<'_>, area: Rect, scene: &Scene<'_>, example: &Sample) {
    let intended = std::time::Duration::from_micros(example.intended_us);
    let response = std::time::Duration::from_micros(example.response_us());
    let facts = format!(
        " · shopper {} at {} · {} · status {} ",
        example.shopper,
        clock(intended),
        show_time(response),
        example.status
    );
    let title = Line::from(vec![
        Span::styled("an example", Style::new().add_modifier(Modifier::BOLD)),
        Span::styled(facts, scene.palette.dim()),
    ]);
    let inner = scene.panel(frame, area, title);
    let trace = example.trace_id.as_deref().unwrap_or("none");
    let mut lines = vec![Line::from(vec![
        Span::styled("trace id ", scene.palette.dim()),
        Span::styled(trace.to_owned(), Style::new().add_modifier(Modifier::BOLD)),
        Span::styled("   y copies it", scene.palette.dim()),
    ])];
    if let Some(why) = &example.why {
        lines.push(Line::from(printable(why)));
    }
    if let Some(exchange) = &example.exchange {
        lines.push(Line::default());
        lines.extend(
            exchange
                .response
                .lines()
                .map(|line| Line::from(printable(line))),
        );
        lines.push(Line::styled("— in answer to —", scene.palette.dim()));
        lines.extend(
            exchange
                .request
                .lines()
                .map(|line| Line::styled(printable(line), scene.palette.dim())),
        );
    }
    frame.render_widget(Paragraph::new(lines).wrap(Wrap { trim: false }), inner);
}

/// What comes from the network must not steer the terminal.
fn printable(text: &str) -> String {
    let shown = |c: char| if c.is_control() { '·' } else { c };
    text.chars().map(shown).collect()
}
