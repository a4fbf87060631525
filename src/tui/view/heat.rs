//! The heat map: time from left to right, latency upwards on a logarithmic axis, colour for the number of steps.
//!
//! Two modes of a service are two bands; a stall is a gap with a bright stroke above its end.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};

use super::percentiles::{LEFT, latency_labels, marks, time_labels};
use super::{Scene, grouped};
use crate::tui::palette::Palette;
use crate::tui::scale::{LatencyAxis, TimeAxis, slice};

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, scene: &Scene<'_>) {
    if area.height < 4 || area.width < LEFT + 8 {
        return;
    }
    let inner = Rect {
        y: area.y + 1,
        height: area.height - 1,
        ..area
    };
    let [chart, times] =
        Layout::vertical([Constraint::Fill(1), Constraint::Length(1)]).areas(inner);
    let [scale, plot] =
        Layout::horizontal([Constraint::Length(LEFT), Constraint::Fill(1)]).areas(chart);
    let (time, latency) = (scene.time_axis(), scene.latency_axis());
    let plot = marks(frame, plot, scene, time);
    let scale = Rect {
        y: plot.y,
        height: plot.height,
        ..scale
    };
    // Half blocks show two rows in one cell where there are colours; shades need whole cells.
    let rows = match scene.palette {
        Palette::None => plot.height,
        _ => plot.height * 2,
    };
    let grid = Grid::count(scene, time, latency, (plot.width, rows));
    scene.panel(frame, area, title(scene, grid.most));
    latency_labels(frame, scale, scene, latency);
    grid.paint(frame, plot, scene.palette);
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

fn title(scene: &Scene<'_>, most: u32) -> Line<'static> {
    let mut spans = vec![
        Span::styled("heat map", Style::new().add_modifier(Modifier::BOLD)),
        Span::styled(format!(" · {} · ", scene.focus_name()), scene.palette.dim()),
    ];
    if most > 0 {
        spans.push(Span::styled("1 ", scene.palette.dim()));
        for level in [0.05, 0.2, 0.3, 0.45, 0.6, 0.7, 0.8, 1.0] {
            let (symbol, style) = match scene.palette.heat(level) {
                Some(color) => ("█", Style::new().fg(color)),
                None => (Palette::shade(level), Style::new()),
            };
            spans.push(Span::styled(symbol, style));
        }
        spans.push(Span::styled(
            format!(" {} steps ", grouped(u64::from(most))),
            scene.palette.dim(),
        ));
    }
    Line::from(spans)
}

/// Counts by column and row; row 0 is the lowest.
struct Grid {
    columns: Vec<Vec<u32>>,
    most: u32,
}

impl Grid {
    fn count(
        scene: &Scene<'_>,
        time: TimeAxis,
        latency: LatencyAxis,
        (width, rows): (u16, u16),
    ) -> Self {
        let span = usize::from(latency.high - latency.low);
        let column = |number: u16| {
            let mut bands = vec![0_u32; span];
            for tick in time.ticks(scene.snapshot, number, width) {
                let shape = slice(tick, scene.ui.focus).map(|slice| &slice.response);
                for (band, count) in shape.into_iter().flat_map(|shape| &shape.bands) {
                    let place = usize::from(*band).checked_sub(usize::from(latency.low));
                    if let Some(sum) = place.and_then(|place| bands.get_mut(place)) {
                        *sum = sum.saturating_add(*count);
                    }
                }
            }
            rows_of(&bands, usize::from(rows))
        };
        let columns: Vec<Vec<u32>> = (0..width).map(column).collect();
        let most = columns.iter().flatten().copied().max().unwrap_or(0);
        Self { columns, most }
    }

    /// On a logarithmic scale, so that single steps far away from the crowd can be seen.
    fn level(&self, count: u32) -> Option<f64> {
        let level = f64::from(count).ln_1p() / f64::from(self.most.max(2)).ln_1p();
        (count > 0).then_some(level)
    }

    fn paint(&self, frame: &mut Frame<'_>, area: Rect, palette: Palette) {
        for (x, column) in (area.x..).zip(&self.columns) {
            for row in 0..area.height {
                let y = area.bottom() - 1 - row;
                let at = |index: u16| {
                    let count = column.get(usize::from(index)).copied().unwrap_or(0);
                    self.level(count)
                };
                let cell = match palette {
                    Palette::None => at(row).map(|level| (Palette::shade(level), Style::new())),
                    _ => half_blocks(palette, at(row * 2 + 1), at(row * 2)),
                };
                if let Some((symbol, style)) = cell {
                    frame.buffer_mut()[(x, y)]
                        .set_symbol(symbol)
                        .set_style(Style::reset().patch(style));
                }
            }
        }
    }
}

/// Bands spread over rows: several rows show one band where there are more rows than bands, and the other way round.
fn rows_of(bands: &[u32], rows: usize) -> Vec<u32> {
    if rows >= bands.len() {
        return (0..rows)
            .map(|row| bands[row * bands.len() / rows])
            .collect();
    }
    let mut sums = vec![0_u32; rows];
    for (band, count) in bands.iter().enumerate() {
        let sum = &mut sums[band * rows / bands.len()];
        *sum = sum.saturating_add(*count);
    }
    sums
}

fn half_blocks(
    palette: Palette,
    upper: Option<f64>,
    lower: Option<f64>,
) -> Option<(&'static str, Style)> {
    let color = |level: f64| palette.heat(level).unwrap_or_default();
    match (upper, lower) {
        (None, None) => None,
        (Some(upper), None) => Some(("▀", Style::new().fg(color(upper)))),
        (None, Some(lower)) => Some(("▄", Style::new().fg(color(lower)))),
        (Some(upper), Some(lower)) if color(upper) == color(lower) => {
            Some(("█", Style::new().fg(color(upper))))
        }
        (Some(upper), Some(lower)) => Some(("▀", Style::new().fg(color(upper)).bg(color(lower)))),
    }
}
