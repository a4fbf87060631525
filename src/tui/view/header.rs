//! What is always visible: where the run is, whether it can be trusted, and what the keys do.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Wrap};

use super::{Scene, clock, grouped};
use crate::control::Stop;
use crate::tui::keys::{Mode, Tab};
use crate::verdict::show_time;

/// Lines that the reason of distrust may take.
const REASON_LINES_MAX: u16 = 2;

/// Lines of the head: two of figures, the reason of distrust if there is one, the ribbon of phases, the tabs.
pub(super) fn height(scene: &Scene<'_>, width: u16) -> u16 {
    4 + reason_lines(scene, width)
}

fn reason(scene: &Scene<'_>) -> Option<String> {
    let reason = scene.snapshot.invalid.first()?;
    let when = reason.when.as_ref().map(|when| format!(" ({when})"));
    let when = when.unwrap_or_default();
    Some(format!("{}{when} → {}", reason.what, reason.remedy))
}

fn reason_lines(scene: &Scene<'_>, width: u16) -> u16 {
    let Some(text) = reason(scene) else {
        return 0;
    };
    let lines = text.chars().count().div_ceil(usize::from(width.max(2) - 1));
    u16::try_from(lines)
        .unwrap_or(u16::MAX)
        .min(REASON_LINES_MAX)
}

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, scene: &Scene<'_>) {
    let [first, why, second, third, last] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(reason_lines(scene, area.width)),
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Length(1),
    ])
    .areas(area);
    place(frame, first, scene);
    if let Some(text) = reason(scene) {
        let inside = Rect {
            x: why.x + 1,
            width: why.width.saturating_sub(1),
            ..why
        };
        let text = Paragraph::new(text).style(scene.palette.bad());
        frame.render_widget(text.wrap(Wrap { trim: true }), inside);
    }
    figures(frame, second, scene);
    ribbon(frame, third, scene);
    tabs(frame, last, scene);
}

/// Scenario, phase, time, and the light.
fn place(frame: &mut Frame<'_>, area: Rect, scene: &Scene<'_>) {
    let (snapshot, palette) = (scene.snapshot, scene.palette);
    let bold = Style::new().add_modifier(Modifier::BOLD);
    let mut spans = vec![
        Span::styled(format!(" {}", scene.subject.scenario), bold),
        Span::styled(" · ", palette.dim()),
        Span::styled(
            snapshot.phase.clone(),
            palette.accent().add_modifier(Modifier::BOLD),
        ),
        Span::raw(format!("   {}", clock(snapshot.elapsed))),
    ];
    match snapshot.planned {
        Some(planned) if planned > snapshot.elapsed => {
            let left = clock(planned - snapshot.elapsed);
            spans.push(Span::styled(
                format!(" of {} · ", clock(planned)),
                palette.dim(),
            ));
            spans.push(Span::raw(format!("{left} left")));
        }
        Some(_) if !snapshot.finished => spans.push(Span::raw(" · waiting for the last shoppers")),
        _ => {}
    }
    frame.render_widget(Line::from(spans), area);
    frame.render_widget(light(scene).right_aligned(), area);
}

fn light(scene: &Scene<'_>) -> Line<'static> {
    let palette = scene.palette;
    let so_far = if scene.snapshot.finished {
        ""
    } else {
        " so far"
    };
    let others = scene.snapshot.invalid.len().saturating_sub(1);
    let more = match others {
        0 => String::new(),
        n => format!(" and {n} more"),
    };
    let mut spans = vec![match scene.snapshot.invalid.is_empty() {
        true => Span::styled(format!("● VALID{so_far} "), palette.good()),
        false => Span::styled(format!("✗ INVALID{more} "), palette.bad()),
    }];
    let state = match (scene.mode, scene.ui.stop, scene.ui.paused) {
        (_, _, true) => " DISPLAY PAUSED ",
        (Mode::Run, Stop::Drain, _) => " STOPPING ",
        (Mode::Run, Stop::Now, _) => " STOPPING NOW ",
        (Mode::Replay, ..) => " REPLAY ",
        (Mode::Watch, ..) => " WATCHING ",
        _ => "",
    };
    let reversed = Style::new().add_modifier(Modifier::REVERSED);
    spans.insert(0, Span::styled(state, reversed));
    spans.insert(1, Span::raw(" "));
    Line::from(spans)
}

/// Rates, errors, shoppers, the generator itself, faults.
fn figures(frame: &mut Frame<'_>, area: Rect, scene: &Scene<'_>) {
    let (snapshot, palette) = (scene.snapshot, scene.palette);
    let tick = snapshot.history.back();
    let (planned, achieved) = tick.map_or((0.0, 0.0), |t| (t.rate_planned, t.rate_achieved));
    let behind = achieved < planned * 0.95 - 1.0;
    let dim = |text: &str| Span::styled(text.to_owned(), palette.dim());
    let mut spans = vec![
        Span::styled(
            format!(" {achieved:.1}/s"),
            if behind { palette.warn() } else { Style::new() },
        ),
        dim(&format!(" of {planned:.1}/s")),
    ];
    if (snapshot.rate_factor - 1.0).abs() > 1e-9 && snapshot.rate_factor > 0.0 {
        spans.push(Span::styled(
            format!(" ×{:.2}", snapshot.rate_factor),
            palette.warn(),
        ));
    }
    let share = snapshot.all.errors as f64 / snapshot.all.finished.max(1) as f64;
    let errors = format!("{} ({:.1} %)", grouped(snapshot.all.errors), share * 100.0);
    spans.push(dim("   errors "));
    spans.push(match snapshot.all.errors {
        0 => Span::raw("0"),
        _ => Span::styled(errors, palette.bad()),
    });
    spans.push(dim("   shoppers "));
    spans.push(Span::raw(grouped(
        tick.map_or(0, |t| u64::from(t.shoppers)),
    )));
    if !snapshot.faults.is_empty() {
        spans.extend([dim("   faults "), faults(scene)]);
    }
    if area.width >= 100 {
        let lag = snapshot
            .start_lag
            .quantile(2)
            .map_or("–".to_owned(), show_time);
        spans.extend([dim("   start lag p99 "), Span::raw(lag)]);
        let steps = tick.map_or(0.0, |t| {
            t.all.finished as f64 / t.length.as_secs_f64().max(1e-9)
        });
        spans.extend([dim("   steps "), Span::raw(format!("{steps:.0}/s"))]);
    }
    if area.width >= 130 {
        let connections = tick.map_or(0, |t| u64::from(t.connections));
        spans.extend([dim("   connections "), Span::raw(grouped(connections))]);
        let cpu = tick.map_or(0.0, |t| t.cpu * 100.0);
        spans.extend([
            dim("   own CPU "),
            Span::raw(format!("{cpu:.0} % of a core")),
        ]);
    }
    if area.width >= 200 {
        spans.extend([dim("   target "), Span::raw(scene.subject.target.clone())]);
    }
    frame.render_widget(Line::from(spans), area);
}

fn faults(scene: &Scene<'_>) -> Span<'static> {
    let names: Vec<&str> = scene
        .snapshot
        .faults
        .iter()
        .map(|f| f.name.as_str())
        .collect();
    Span::styled(names.join(", "), scene.palette.warn())
}

/// The whole run as a line: phases in their lengths, what is over drawn thick.
fn ribbon(frame: &mut Frame<'_>, area: Rect, scene: &Scene<'_>) {
    let snapshot = scene.snapshot;
    let Some(planned) = snapshot.planned.filter(|planned| !planned.is_zero()) else {
        let line = "─".repeat(usize::from(area.width));
        return frame.render_widget(Line::styled(line, scene.palette.dim()), area);
    };
    let width = area.width.saturating_sub(2);
    let share = |at: std::time::Duration| (at.as_secs_f64() / planned.as_secs_f64()).min(1.0);
    let column = |at| area.x + 1 + (share(at) * f64::from(width)).round() as u16;
    let now = column(snapshot.elapsed);
    let buffer = frame.buffer_mut();
    for x in area.x + 1..area.x + 1 + width {
        let (symbol, style) = if x < now {
            ("━", scene.palette.accent())
        } else {
            ("─", scene.palette.dim())
        };
        buffer.set_string(x, area.y, symbol, style);
    }
    let begun = |(_, (_, begin)): &(usize, &(String, std::time::Duration))| *begin < planned;
    for (index, (name, begin)) in scene.subject.phases.iter().enumerate().filter(begun) {
        let x = column(*begin);
        let end = scene.subject.phases.get(index + 1);
        let room = end.map_or(area.x + 1 + width, |(_, end)| column(*end)) - x.min(area.x + width);
        let label = super::shortened(&format!(" {name} "), usize::from(room.saturating_sub(2)));
        let style = match *name == snapshot.phase {
            true => scene.palette.accent().add_modifier(Modifier::BOLD),
            false => scene.palette.dim(),
        };
        if index > 0 && x < area.right() {
            buffer.set_string(x, area.y, "┃", scene.palette.dim());
        }
        if room > 5 {
            buffer.set_string(x + 1, area.y, label, style);
        }
    }
    let end = area.x + width;
    buffer.set_string(
        now.clamp(area.x + 1, end),
        area.y,
        "●",
        scene.palette.accent(),
    );
}

fn tabs(frame: &mut Frame<'_>, area: Rect, scene: &Scene<'_>) {
    let mut spans = vec![Span::raw(" ")];
    for (number, tab) in Tab::ALL.into_iter().enumerate() {
        let kinds = scene.snapshot.errors.len();
        let count = match tab {
            Tab::Errors if kinds > 0 => format!(" ({kinds})"),
            _ => String::new(),
        };
        let text = format!(" {} {}{count} ", number + 1, tab.name());
        let style = if scene.ui.tab == tab {
            Style::new().add_modifier(Modifier::REVERSED | Modifier::BOLD)
        } else if count.is_empty() {
            Style::new()
        } else {
            scene.palette.bad()
        };
        spans.push(Span::styled(text, style));
    }
    frame.render_widget(Line::from(spans), area);
}

pub(super) fn footer(frame: &mut Frame<'_>, area: Rect, scene: &Scene<'_>) {
    if let Some(note) = &scene.ui.note {
        return frame.render_widget(
            Line::styled(format!(" {note}"), scene.palette.accent()),
            area,
        );
    }
    let keys: &[(&str, &str)] = match scene.mode {
        Mode::Run => &[
            ("?", "help"),
            ("Tab", "page"),
            ("↑↓", "step"),
            ("s", "sort"),
            ("+-", "rate"),
            ("p", "pause"),
            ("y", "copy trace"),
            ("q", "stop"),
        ],
        Mode::Watch => &[
            ("?", "help"),
            ("Tab", "page"),
            ("↑↓", "step"),
            ("s", "sort"),
            ("q", "leave"),
        ],
        Mode::Replay => &[
            ("?", "help"),
            ("Tab", "page"),
            ("↑↓", "step"),
            ("<>", "speed"),
            ("←→", "10 s"),
            ("p", "pause"),
            ("q", "leave"),
        ],
    };
    let mut spans = Vec::new();
    for (key, what) in keys {
        spans.push(Span::styled(
            format!(" {key}"),
            Style::new().add_modifier(Modifier::BOLD),
        ));
        spans.push(Span::styled(format!(" {what} "), scene.palette.dim()));
    }
    if scene.mode == Mode::Replay {
        let speed = if scene.ui.speed == 0.0 {
            1.0
        } else {
            scene.ui.speed
        };
        spans.push(Span::raw(format!(" speed ×{speed}")));
    }
    frame.render_widget(Paragraph::new(Line::from(spans)), area);
}
