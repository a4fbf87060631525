//! Draws a snapshot and nothing else: the same scene always gives the same picture.
//!
//! This file divides the screen; `view/` fills the parts. Must not know: where snapshots come from, what keys do.

use std::time::Duration;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::Line;
use ratatui::widgets::{Block, Borders, Paragraph};

use super::keys::{Mode, Panel, Tab, Ui};
use super::palette::Palette;
use super::scale::{LatencyAxis, TimeAxis};
use crate::measure::snapshot::{Snapshot, Subject};

mod errors;
mod funnel;
mod header;
mod heat;
mod panels;
mod percentiles;
pub mod steps;
mod strips;

/// Below this nothing useful can be shown.
pub const SMALLEST: (u16, u16) = (60, 16);

/// From this height on a page has room for strips below the charts.
const TALL: u16 = 28;

/// From this width on three panels stand side by side.
const WIDE: u16 = 180;

/// Everything that is drawn.
#[derive(Debug, Clone, Copy)]
pub struct Scene<'a> {
    /// What was known before the run.
    pub subject: &'a Subject,
    /// How far it is.
    pub snapshot: &'a Snapshot,
    /// What the person wants to see.
    pub ui: &'a Ui,
    /// What is being looked at.
    pub mode: Mode,
    /// The log's last lines.
    pub log: &'a [String],
    /// Colours.
    pub palette: Palette,
}

impl Scene<'_> {
    fn time_axis(&self) -> TimeAxis {
        TimeAxis::of(self.snapshot, self.ui.zoom_s)
    }

    fn latency_axis(&self) -> LatencyAxis {
        LatencyAxis::of(self.snapshot, self.time_axis(), self.ui.focus)
    }

    fn figure(&self, figure: u16) -> &str {
        let name = self.subject.figures.get(usize::from(figure));
        name.map_or("?", String::as_str)
    }

    /// What charts show: one step, or all.
    fn focus_name(&self) -> &str {
        self.ui
            .focus
            .map_or("all steps", |figure| self.figure(figure))
    }

    /// A line with a title on top of a panel; what is left is the panel's.
    fn panel(&self, frame: &mut Frame<'_>, area: Rect, title: Line<'_>) -> Rect {
        let block = Block::new()
            .borders(Borders::TOP)
            .border_style(self.palette.dim())
            .title(title);
        let inner = block.inner(area);
        frame.render_widget(block, area);
        inner
    }
}

/// Draws the whole screen.
pub fn draw(frame: &mut Frame<'_>, scene: &Scene<'_>) {
    let area = frame.area();
    if area.width < SMALLEST.0 || area.height < SMALLEST.1 {
        return too_small(frame, area);
    }
    let head = header::height(scene, area.width);
    let [top, body, bottom] = Layout::vertical([
        Constraint::Length(head),
        Constraint::Fill(1),
        Constraint::Length(1),
    ])
    .areas(area);
    header::draw(frame, top, scene);
    page(frame, body, scene);
    header::footer(frame, bottom, scene);
    match scene.ui.panel {
        Some(Panel::Help) => panels::help(frame, body, scene),
        None => {}
    }
}

fn too_small(frame: &mut Frame<'_>, area: Rect) {
    let (width, height) = SMALLEST;
    let text = format!(
        "This terminal has {} × {} characters;\nthe view needs {width} × {height}.\nMake it larger; the run goes on.",
        area.width, area.height
    );
    frame.render_widget(Paragraph::new(text), area);
}

fn page(frame: &mut Frame<'_>, area: Rect, scene: &Scene<'_>) {
    match scene.ui.tab {
        Tab::Overview if area.width >= WIDE && area.height >= TALL => large(frame, area, scene),
        Tab::Overview => overview(frame, area, scene),
        Tab::Latency => latency(frame, area, scene),
        Tab::Steps => steps_page(frame, area, scene),
        Tab::Funnel => funnel::draw(frame, area, scene),
        Tab::Errors => errors::page(frame, area, scene),
        Tab::Log => panels::log(frame, area, scene),
    }
}

/// Two parts side by side with a gap.
fn halves(area: Rect) -> [Rect; 2] {
    Layout::horizontal([Constraint::Fill(1); 2])
        .spacing(2)
        .areas(area)
}

/// Rate and start lag; errors between them as soon as there are any.
fn strip_row(frame: &mut Frame<'_>, area: Rect, scene: &Scene<'_>) {
    let [left, right] = halves(area);
    strips::start_lag(frame, right, scene);
    if scene.snapshot.all.errors == 0 {
        return strips::rate(frame, left, scene);
    }
    let [left, middle] = halves(left);
    strips::rate(frame, left, scene);
    strips::errors(frame, middle, scene);
}

fn overview(frame: &mut Frame<'_>, area: Rect, scene: &Scene<'_>) {
    let strips_height = if area.height >= TALL { 5 } else { 0 };
    let rows = u16::try_from(scene.subject.figures.len()).unwrap_or(u16::MAX);
    let table = rows
        .saturating_add(3)
        .min((area.height - strips_height) / 2);
    let [charts, strips, table] = Layout::vertical([
        Constraint::Fill(1),
        Constraint::Length(strips_height),
        Constraint::Length(table),
    ])
    .areas(area);
    let [left, right] = halves(charts);
    percentiles::draw(frame, left, scene);
    heat::draw(frame, right, scene);
    if strips_height > 0 {
        strip_row(frame, strips, scene);
    }
    steps::draw(frame, table, scene);
}

fn large(frame: &mut Frame<'_>, area: Rect, scene: &Scene<'_>) {
    let [charts, strips, below] = Layout::vertical([
        Constraint::Fill(5),
        Constraint::Length(6),
        Constraint::Fill(4),
    ])
    .areas(area);
    let [left, right] = halves(charts);
    percentiles::draw(frame, left, scene);
    heat::draw(frame, right, scene);
    strip_row(frame, strips, scene);
    let [left, middle, right] = Layout::horizontal([
        Constraint::Length(116),
        Constraint::Fill(2),
        Constraint::Fill(3),
    ])
    .spacing(2)
    .areas(below);
    steps::draw(frame, left, scene);
    funnel::draw(frame, middle, scene);
    let [upper, lower] = Layout::vertical([Constraint::Fill(1); 2]).areas(right);
    errors::list(frame, upper, scene);
    panels::log(frame, lower, scene);
}

fn latency(frame: &mut Frame<'_>, area: Rect, scene: &Scene<'_>) {
    let strip = if area.height >= TALL { 5 } else { 3 };
    let [upper, middle, lag] = Layout::vertical([
        Constraint::Fill(2),
        Constraint::Fill(3),
        Constraint::Length(strip),
    ])
    .areas(area);
    // One time axis for all three: the names at the ends of the lines have no place below them.
    let below = |area: Rect| Rect {
        width: area.width.saturating_sub(percentiles::RIGHT),
        ..area
    };
    percentiles::draw(frame, upper, scene);
    heat::draw(frame, below(middle), scene);
    strips::start_lag(frame, below(lag), scene);
}

fn steps_page(frame: &mut Frame<'_>, area: Rect, scene: &Scene<'_>) {
    let rows = u16::try_from(scene.subject.figures.len()).unwrap_or(u16::MAX);
    let [table, chart] = Layout::vertical([
        Constraint::Length(rows.saturating_add(3).min(area.height)),
        Constraint::Fill(1),
    ])
    .areas(area);
    steps::draw(frame, table, scene);
    if chart.height >= 8 {
        let [left, right] = halves(chart);
        percentiles::draw(frame, left, scene);
        heat::draw(frame, right, scene);
    }
}

/// `1:02:03` or `02:03`.
fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds / 3600 {
        0 => format!("{:02}:{:02}", seconds / 60, seconds % 60),
        hours => format!("{hours}:{:02}:{:02}", seconds / 60 % 60, seconds % 60),
    }
}

/// A count with thin gaps between thousands.
fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push('\u{202f}');
        }
        out.push(digit);
    }
    out
}

/// At most `width` characters; what is longer loses its middle.
fn shortened(text: &str, width: usize) -> String {
    let length = text.chars().count();
    if length <= width {
        return text.to_owned();
    }
    let tail = width / 2;
    let head = width.saturating_sub(tail + 1);
    let start: String = text.chars().take(head).collect();
    let end: String = text.chars().skip(length - tail).collect();
    format!("{start}…{end}")
}

#[cfg(test)]
mod tests;
