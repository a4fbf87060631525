//! How far shoppers come on each journey, and what came of it for the business.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::tui::keys::Mode;

use super::{Scene, grouped, shortened};

/// Width of the longest bar at most.
const BAR_MAX: u16 = 60;

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, scene: &Scene<'_>) {
    let title = Line::from(vec![
        Span::styled("funnel", Style::new().add_modifier(Modifier::BOLD)),
        Span::styled(
            match scene.mode {
                Mode::Replay => " · shoppers who came to each step in the whole run ",
                _ => " · shoppers who came to each step ",
            },
            scene.palette.dim(),
        ),
    ]);
    let inner = scene.panel(frame, area, title);
    let mut lines = Vec::new();
    for (index, (name, steps)) in scene.subject.journeys.iter().enumerate() {
        let reached = scene
            .snapshot
            .funnels
            .get(index)
            .map_or(&[][..], Vec::as_slice);
        lines.extend(journey(scene, index, name, (steps, reached), inner.width));
    }
    lines.extend(counters(scene));
    frame.render_widget(Paragraph::new(lines), inner);
}

fn journey<'a>(
    scene: &Scene<'_>,
    index: usize,
    name: &str,
    (steps, reached): (&[u16], &[u64]),
    width: u16,
) -> Vec<Line<'a>> {
    let began = reached.iter().copied().max().unwrap_or(0);
    let ended = scene
        .snapshot
        .journeys
        .get(index)
        .copied()
        .unwrap_or_default();
    let mut summary = vec![
        Span::styled(
            format!(" {name}"),
            Style::new().add_modifier(Modifier::BOLD),
        ),
        Span::styled(
            format!(
                "  {} began · {} ended well or left",
                grouped(began),
                grouped(ended.completed)
            ),
            scene.palette.dim(),
        ),
    ];
    let broken = ended.failed + ended.timed_out;
    if broken > 0 {
        let text = format!(" · {} broken off by errors", grouped(broken));
        summary.push(Span::styled(text, scene.palette.bad()));
    }
    let mut lines = vec![Line::from(summary)];
    let mut before = began;
    for (place, (figure, count)) in steps.iter().zip(reached).enumerate() {
        // A step that fewer took than a later one was not on everyone's way: no drop-off.
        let by_way = reached[place + 1..].iter().any(|later| later > count);
        let lost = (!by_way && place > 0).then(|| before.saturating_sub(*count));
        lines.push(step(scene, *figure, (*count, began, lost, before), width));
        if !by_way {
            before = *count;
        }
    }
    lines.push(Line::default());
    lines
}

fn step<'a>(
    scene: &Scene<'_>,
    figure: u16,
    (count, began, lost, before): (u64, u64, Option<u64>, u64),
    width: u16,
) -> Line<'a> {
    let name_width = usize::from(width / 3).clamp(16, 34);
    let bar_max = width.saturating_sub(name_width as u16 + 28).min(BAR_MAX);
    let share = count as f64 / began.max(1) as f64;
    let eighths = (share * f64::from(bar_max) * 8.0).round() as usize;
    let mut bar = "█".repeat(eighths / 8);
    bar.extend("▏▎▍▌▋▊▉".chars().nth((eighths % 8).wrapping_sub(1)));
    let name = shortened(scene.figure(figure), name_width);
    let drop = match lost {
        Some(lost) if lost > 0 => {
            format!("{:>+6.1} %", -100.0 * lost as f64 / before.max(1) as f64)
        }
        None => " optional".to_owned(),
        Some(_) => String::new(),
    };
    let drop = if before == began && count == began {
        String::new()
    } else {
        drop
    };
    let pad = usize::from(bar_max).saturating_sub(bar.chars().count());
    Line::from(vec![
        Span::raw(format!("  {name:<name_width$} ")),
        Span::styled(bar, scene.palette.accent()),
        Span::raw(format!(
            "{:pad$} {:>7} {:>4.0} %",
            "",
            grouped(count),
            share * 100.0
        )),
        Span::styled(drop, scene.palette.dim()),
    ])
}

fn counters<'a>(scene: &Scene<'_>) -> Vec<Line<'a>> {
    let over = match scene.mode {
        Mode::Replay => scene.snapshot.planned.unwrap_or_default(),
        _ => scene.snapshot.elapsed,
    };
    let minutes = over.as_secs_f64() / 60.0;
    let each = scene.subject.counters.iter().zip(&scene.snapshot.counters);
    each.map(|(name, count)| {
        Line::from(vec![
            Span::raw(format!("  {name:<24} {:>8}", grouped(*count))),
            Span::styled(
                format!("  {:.0} a minute", *count as f64 / minutes.max(1e-9)),
                scene.palette.dim(),
            ),
        ])
    })
    .collect()
}
