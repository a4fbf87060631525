//! The log, and what is laid over a page: help.

use ratatui::Frame;
use ratatui::layout::{Constraint, Flex, Layout, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, Padding, Paragraph, Wrap};

use super::Scene;

const KEYS: [(&str, &str); 14] = [
    ("Tab, 1–6", "turn to another page"),
    (
        "↑ ↓",
        "select a step (the charts show it alone) or an error",
    ),
    ("Esc", "all steps again"),
    ("s", "sort the table of steps by the next column"),
    ("z", "narrower or wider charts"),
    ("p", "pause the display; the run goes on"),
    ("+ −", "10 % more or fewer arrivals from now on"),
    ("y", "copy the trace id of the error"),
    ("q, Ctrl-C", "stop: wait for answers; again: at once"),
    ("Ctrl-Z", "into the background; the load pauses, too"),
    ("Ctrl-L", "draw everything anew"),
    ("< >", "in a replay: slower, faster"),
    ("← →", "in a replay: ten seconds back, on"),
    ("?", "this help; any key closes it"),
];

/// The log's last lines that fit, scrolled back as far as asked for.
pub(super) fn log(frame: &mut Frame<'_>, area: Rect, scene: &Scene<'_>) {
    let title = Line::from(vec![
        Span::styled("log", Style::new().add_modifier(Modifier::BOLD)),
        Span::styled(" · loadgen.log in the run folder ", scene.palette.dim()),
    ]);
    let inner = scene.panel(frame, area, title);
    let end = scene.log.len().saturating_sub(scene.ui.log_back);
    let begin = end.saturating_sub(usize::from(inner.height));
    let lines: Vec<Line<'_>> = scene.log[begin..end]
        .iter()
        .map(|line| log_line(scene, line))
        .collect();
    frame.render_widget(Paragraph::new(lines), inner);
}

/// `10:17:08 INFO  phase spike`: day, fractions and the module are left to the file.
fn log_line<'a>(scene: &Scene<'_>, line: &str) -> Line<'a> {
    let mut words = line.splitn(2, 'Z');
    let (stamp, rest) = (words.next().unwrap_or_default(), words.next());
    let parts = rest.and_then(|rest| {
        let (level, text) = rest.trim_start().split_once(' ')?;
        let (module, message) = text.split_once(": ")?;
        (!module.contains(' ')).then_some((level, message))
    });
    let clean = |text: &str| -> String { text.chars().filter(|c| !c.is_control()).collect() };
    let (Some((level, message)), Some(clock)) = (parts, stamp.get(11..19)) else {
        return Line::from(format!(" {}", clean(line)));
    };
    let style = match level {
        "ERROR" => scene.palette.bad(),
        "WARN" => scene.palette.warn(),
        _ => scene.palette.dim(),
    };
    Line::from(vec![
        Span::styled(format!(" {clock} "), scene.palette.dim()),
        Span::styled(format!("{level:<5} "), style),
        Span::raw(clean(message)),
    ])
}

pub(super) fn help(frame: &mut Frame<'_>, area: Rect, scene: &Scene<'_>) {
    let lines = KEYS.iter().map(|(key, what)| {
        Line::from(vec![
            Span::styled(
                format!("{key:<10} "),
                Style::new().add_modifier(Modifier::BOLD),
            ),
            Span::raw(*what),
        ])
    });
    overlay(frame, area, " keys ", lines.collect(), scene);
}

fn overlay(
    frame: &mut Frame<'_>,
    area: Rect,
    title: &str,
    lines: Vec<Line<'_>>,
    scene: &Scene<'_>,
) {
    let width = lines.iter().map(Line::width).max().unwrap_or(0) as u16 + 6;
    let height = lines.len() as u16 + 2;
    let [row] = Layout::vertical([Constraint::Length(height)])
        .flex(Flex::Center)
        .areas(area);
    let [place] = Layout::horizontal([Constraint::Length(width)])
        .flex(Flex::Center)
        .areas(row);
    frame.render_widget(Clear, place);
    let block = Block::bordered()
        .title(title)
        .border_style(scene.palette.accent())
        .padding(Padding::horizontal(2));
    frame.render_widget(
        Paragraph::new(lines)
            .block(block)
            .wrap(Wrap { trim: false }),
        place,
    );
}
