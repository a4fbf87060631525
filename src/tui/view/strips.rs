//! Low bar charts on the time axis of the charts above them: the rate, and the generator's own lateness.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};

use super::Scene;
use super::percentiles::{LEFT, marks, time_labels};
use crate::measure::snapshot::Tick;
use crate::tui::scale::slice;
use crate::verdict::show_time;

const EIGHTHS: [&str; 9] = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];

/// Start lag is drawn from here, logarithmically.
const LAG_FROM_S: f64 = 10e-6;

/// Journeys planned and begun; what is missing is drawn in shade above what began.
pub(super) fn rate(frame: &mut Frame<'_>, area: Rect, scene: &Scene<'_>) {
    let planned = |tick: &Tick| tick.rate_planned;
    let achieved = |tick: &Tick| tick.rate_achieved;
    let history = || scene.snapshot.history.iter();
    let most = history()
        .map(|tick| tick.rate_planned.max(tick.rate_achieved))
        .fold(1.0, f64::max);
    let title = Line::from(vec![
        Span::styled(
            "journeys begun a second",
            Style::new().add_modifier(Modifier::BOLD),
        ),
        Span::styled(" · planned but not begun in shade ", scene.palette.dim()),
    ]);
    let plot = frame_of(frame, area, scene, title, &format!("{most:.0}/s"));
    let heights = |tick: &Tick| Bar {
        full: achieved(tick) / most,
        shaded: planned(tick).max(achieved(tick)) / most,
        style: scene.palette.accent(),
    };
    bars(frame, plot, scene, heights);
}

/// Failed steps a second, of the step in focus or of all.
pub(super) fn errors(frame: &mut Frame<'_>, area: Rect, scene: &Scene<'_>) {
    let failed = |tick: &Tick| {
        let errors = slice(tick, scene.ui.focus).map_or(0, |slice| slice.errors);
        errors as f64 / tick.length.as_secs_f64().max(1e-9)
    };
    let history = scene.snapshot.history.iter();
    let most = history.map(|tick| failed(tick)).fold(1.0, f64::max);
    let title = Line::from(vec![
        Span::styled("errors a second", Style::new().add_modifier(Modifier::BOLD)),
        Span::styled(format!(" · {} ", scene.focus_name()), scene.palette.dim()),
    ]);
    let plot = frame_of(frame, area, scene, title, &format!("{most:.0}/s"));
    let heights = |tick: &Tick| Bar {
        full: failed(tick) / most,
        shaded: 0.0,
        style: scene.palette.bad(),
    };
    bars(frame, plot, scene, heights);
}

/// The 99th percentile of the generator's lateness in each tick.
pub(super) fn start_lag(frame: &mut Frame<'_>, area: Rect, scene: &Scene<'_>) {
    let lag = |tick: &Tick| tick.start_lag.quantile(2).unwrap_or_default().as_secs_f64();
    let bound = scene
        .subject
        .start_lag_max
        .as_secs_f64()
        .max(LAG_FROM_S * 10.0);
    let history = scene.snapshot.history.iter();
    let most = history.map(|tick| lag(tick)).fold(bound * 2.0, f64::max);
    let shown = |index| {
        let time = scene.snapshot.start_lag.quantile(index);
        time.map_or("–".to_owned(), show_time)
    };
    let figures = format!(
        " · {} so far · max {} · fine up to {} ",
        shown(2),
        shown(4),
        show_time(scene.subject.start_lag_max)
    );
    let title = Line::from(vec![
        Span::styled("start lag p99", Style::new().add_modifier(Modifier::BOLD)),
        Span::styled(figures, scene.palette.dim()),
    ]);
    let top = show_time(std::time::Duration::from_secs_f64(most));
    let plot = frame_of(frame, area, scene, title, &top);
    let share =
        |seconds: f64| (seconds.max(LAG_FROM_S) / LAG_FROM_S).ln() / (most / LAG_FROM_S).ln();
    let heights = |tick: &Tick| {
        let late = lag(tick) > bound;
        Bar {
            full: share(lag(tick)),
            shaded: 0.0,
            style: if late {
                scene.palette.bad()
            } else {
                scene.palette.good().remove_modifier(Modifier::BOLD)
            },
        }
    };
    bars(frame, plot, scene, heights);
}

/// Title, label of the top and times; what is left is for the bars.
fn frame_of(
    frame: &mut Frame<'_>,
    area: Rect,
    scene: &Scene<'_>,
    title: Line<'_>,
    top: &str,
) -> Rect {
    let inner = scene.panel(frame, area, title);
    let times = u16::from(inner.height >= 4);
    let [chart, below] =
        Layout::vertical([Constraint::Fill(1), Constraint::Length(times)]).areas(inner);
    let [scale, plot] =
        Layout::horizontal([Constraint::Length(LEFT), Constraint::Fill(1)]).areas(chart);
    let label = format!("{top:>6}");
    frame.buffer_mut().set_stringn(
        scale.x,
        scale.y,
        label,
        usize::from(LEFT),
        scene.palette.dim(),
    );
    if times > 0 {
        time_labels(
            frame,
            Rect {
                x: plot.x,
                width: plot.width,
                ..below
            },
            scene,
            scene.time_axis(),
        );
    }
    // Too low for names; these stand in the charts above.
    marks(frame, plot, scene, scene.time_axis())
}

/// One column, in shares of the height.
struct Bar {
    full: f64,
    shaded: f64,
    style: Style,
}

fn bars(frame: &mut Frame<'_>, area: Rect, scene: &Scene<'_>, bar: impl Fn(&Tick) -> Bar) {
    let axis = scene.time_axis();
    for column in 0..area.width {
        let ticks = axis.ticks(scene.snapshot, column, area.width);
        // Of several ticks the one with the highest bar: a peak must not get lost between columns.
        let highest = ticks
            .into_iter()
            .map(&bar)
            .max_by(|a, b| a.full.max(a.shaded).total_cmp(&b.full.max(b.shaded)));
        let Some(highest) = highest else { continue };
        let eighths =
            |share: f64| (share.clamp(0.0, 1.0) * f64::from(area.height) * 8.0).round() as u16;
        let (full, shaded) = (eighths(highest.full), eighths(highest.shaded));
        for row in 0..area.height {
            let part = full.saturating_sub(row * 8).min(8);
            let missing = shaded.saturating_sub(row * 8).min(8);
            let symbol = match (part, missing) {
                (0, 4..) => "░",
                (part, _) => EIGHTHS[usize::from(part)],
            };
            if symbol != " " {
                let (x, y) = (area.x + column, area.bottom() - 1 - row);
                frame.buffer_mut()[(x, y)]
                    .set_symbol(symbol)
                    .set_style(highest.style);
            }
        }
    }
}
