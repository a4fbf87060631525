//! PURE: what a key does. A key and what is on the screen go in; the state of the view changes, and a command may come out.
//!
//! Must not know: terminals, runs, how anything is drawn.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::control::Stop;

/// What one press of `+` multiplies the rate by; `-` divides by it.
pub const RATE_STEP: f64 = 1.1;

/// Seconds that an arrow key jumps in a replay.
const JUMP_S: i64 = 10;

/// Widths of the charts in seconds, besides the automatic one.
const ZOOMS_S: [u32; 5] = [30, 60, 120, 300, 600];

/// Slowest and fastest replay.
const SPEEDS: std::ops::RangeInclusive<f64> = 0.25..=64.0;

/// What is being looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// A run of this process.
    Run,
    /// A run of another process.
    Watch,
    /// A run that is over.
    Replay,
}

/// The pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tab {
    /// A bit of everything.
    #[default]
    Overview,
    /// Charts over the full width.
    Latency,
    /// The table of steps.
    Steps,
    /// How far shoppers come.
    Funnel,
    /// Errors with examples.
    Errors,
    /// The log.
    Log,
}

impl Tab {
    /// All pages in order; page n is reached by key n + 1.
    pub const ALL: [Self; 6] = [
        Self::Overview,
        Self::Latency,
        Self::Steps,
        Self::Funnel,
        Self::Errors,
        Self::Log,
    ];

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Latency => "Latency",
            Self::Steps => "Steps",
            Self::Funnel => "Funnel",
            Self::Errors => "Errors",
            Self::Log => "Log",
        }
    }

    fn moved(self, by: usize) -> Self {
        let at = Self::ALL.iter().position(|tab| *tab == self).unwrap_or(0);
        Self::ALL[(at + by) % Self::ALL.len()]
    }
}

/// What the table of steps is sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sort {
    /// As in the scenario.
    #[default]
    Order,
    /// Steps a second, highest first.
    Rate,
    /// Median, highest first.
    P50,
    /// 95th percentile, highest first.
    P95,
    /// 99th percentile, highest first.
    P99,
    /// 99.9th percentile, highest first.
    P999,
    /// Maximum, highest first.
    Max,
    /// Errors, most first.
    Errors,
}

impl Sort {
    /// All orders, in the order of the table's columns.
    pub const ALL: [Self; 8] = [
        Self::Order,
        Self::Rate,
        Self::P50,
        Self::P95,
        Self::P99,
        Self::P999,
        Self::Max,
        Self::Errors,
    ];

    fn next(self) -> Self {
        let at = Self::ALL.iter().position(|sort| *sort == self).unwrap_or(0);
        Self::ALL[(at + 1) % Self::ALL.len()]
    }
}

/// A panel in front of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Panel {
    /// What the keys do.
    Help,
}

/// The state of the view.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Ui {
    /// The page shown.
    pub tab: Tab,
    /// Order of the table of steps.
    pub sort: Sort,
    /// The step that charts show; `None` for all together.
    pub focus: Option<u16>,
    /// The error selected, by its place in the list.
    pub error: usize,
    /// How many lines the log is scrolled back.
    pub log_back: usize,
    /// Whether the display stands still. The run goes on.
    pub paused: bool,
    /// A panel in front.
    pub panel: Option<Panel>,
    /// Width of the charts in seconds; `None` for what fits the run so far.
    pub zoom_s: Option<u32>,
    /// How far the run has been asked to stop.
    pub stop: Stop,
    /// How fast a replay goes; 0 stands for not yet chosen, which is 1.
    pub speed: f64,
    /// What the last key did, if it needs saying.
    pub note: Option<String>,
}

/// What is on the screen, as far as keys depend on it.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// What is being looked at.
    pub mode: Mode,
    /// Whether the load is open, so that its rate can be changed.
    pub open_load: bool,
    /// Steps in the order of the table.
    pub rows: &'a [u16],
    /// For each error in the list: its step, and the trace id of its example.
    pub errors: &'a [(u16, Option<String>)],
    /// Lines in the log.
    pub log_lines: usize,
}

/// What is to be done outside of the view.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Leave the view.
    Quit,
    /// Stop the run.
    Stop(Stop),
    /// Multiply the run's rate.
    Rate(f64),
    /// Put a text onto the clipboard.
    Copy(String),
    /// Go into the background, as Ctrl-Z asks for.
    Suspend,
    /// Draw everything anew.
    Redraw,
    /// Set the speed of a replay.
    Speed(f64),
    /// Jump in a replay, seconds.
    Jump(i64),
}

/// Takes a key.
pub fn press(ui: &mut Ui, key: KeyEvent, seen: &Seen<'_>) -> Option<Command> {
    ui.note = None;
    if key.modifiers.contains(KeyModifiers::CONTROL) {
        return match key.code {
            KeyCode::Char('c') => Some(stop(ui, seen)),
            KeyCode::Char('z') => Some(Command::Suspend),
            KeyCode::Char('l') => Some(Command::Redraw),
            _ => None,
        };
    }
    if ui.panel.is_some() && !matches!(key.code, KeyCode::Char('q')) {
        ui.panel = None;
        return None;
    }
    look(ui, key.code, seen);
    act(ui, key.code, seen)
}

/// Keys that change what is shown.
fn look(ui: &mut Ui, key: KeyCode, seen: &Seen<'_>) {
    match key {
        KeyCode::Tab => ui.tab = ui.tab.moved(1),
        KeyCode::BackTab => ui.tab = ui.tab.moved(Tab::ALL.len() - 1),
        KeyCode::Char(digit @ '1'..='6') => {
            ui.tab = Tab::ALL[usize::from(digit as u8 - b'1')];
        }
        KeyCode::Char('s') => ui.sort = ui.sort.next(),
        KeyCode::Char('?' | 'h') => ui.panel = Some(Panel::Help),
        KeyCode::Char('z') => zoom(ui),
        KeyCode::Char('p' | ' ') => ui.paused = !ui.paused,
        KeyCode::Esc => (ui.focus, ui.error, ui.log_back) = (None, 0, 0),
        KeyCode::Up | KeyCode::Char('k') => up_or_down(ui, seen, -1),
        KeyCode::Down | KeyCode::Char('j') => up_or_down(ui, seen, 1),
        KeyCode::PageUp => up_or_down(ui, seen, -10),
        KeyCode::PageDown => up_or_down(ui, seen, 10),
        _ => {}
    }
}

/// Keys that do something.
fn act(ui: &mut Ui, key: KeyCode, seen: &Seen<'_>) -> Option<Command> {
    match key {
        KeyCode::Char('q') => Some(stop(ui, seen)),
        KeyCode::Char('+' | '=') => rate(ui, seen, RATE_STEP),
        KeyCode::Char('-') => rate(ui, seen, 1.0 / RATE_STEP),
        KeyCode::Char('y') => copy(ui, seen),
        KeyCode::Char('>' | '.') if seen.mode == Mode::Replay => Some(speed(ui, 2.0)),
        KeyCode::Char('<' | ',') if seen.mode == Mode::Replay => Some(speed(ui, 0.5)),
        KeyCode::Left if seen.mode == Mode::Replay => Some(Command::Jump(-JUMP_S)),
        KeyCode::Right if seen.mode == Mode::Replay => Some(Command::Jump(JUMP_S)),
        _ => None,
    }
}

fn stop(ui: &mut Ui, seen: &Seen<'_>) -> Command {
    if seen.mode != Mode::Run {
        return Command::Quit;
    }
    ui.stop = match ui.stop {
        Stop::No => Stop::Drain,
        Stop::Drain | Stop::Now => Stop::Now,
    };
    Command::Stop(ui.stop)
}

fn rate(ui: &mut Ui, seen: &Seen<'_>, by: f64) -> Option<Command> {
    let refusal = match (seen.mode, seen.open_load) {
        (Mode::Replay, _) => "a run that is over keeps its rate",
        (Mode::Watch, _) => "only the terminal that started the run can change its rate",
        (Mode::Run, false) => "a closed load has shoppers, not a rate",
        (Mode::Run, true) => return Some(Command::Rate(by)),
    };
    ui.note = Some(refusal.to_owned());
    None
}

fn copy(ui: &mut Ui, seen: &Seen<'_>) -> Option<Command> {
    let of_focus = |(figure, trace): &(u16, Option<String>)| {
        (ui.focus.is_none() || ui.focus == Some(*figure)).then(|| trace.clone())?
    };
    let trace = match ui.tab {
        Tab::Errors => seen.errors.get(ui.error).and_then(|(_, id)| id.clone()),
        _ => seen.errors.iter().find_map(of_focus),
    };
    ui.note = Some(match &trace {
        Some(id) => format!("trace id {id} sent to the clipboard"),
        None => "there is no error with a trace id here".to_owned(),
    });
    trace.map(Command::Copy)
}

fn speed(ui: &mut Ui, by: f64) -> Command {
    let now = if ui.speed == 0.0 { 1.0 } else { ui.speed };
    ui.speed = (now * by).clamp(*SPEEDS.start(), *SPEEDS.end());
    Command::Speed(ui.speed)
}

fn zoom(ui: &mut Ui) {
    ui.zoom_s = match ui.zoom_s {
        None => Some(ZOOMS_S[0]),
        Some(now) => ZOOMS_S.into_iter().find(|wider| *wider > now),
    };
}

fn up_or_down(ui: &mut Ui, seen: &Seen<'_>, by: isize) {
    match ui.tab {
        Tab::Errors => ui.error = moved(ui.error, by, seen.errors.len()),
        // Further up is further back.
        Tab::Log => ui.log_back = moved(ui.log_back, -by, seen.log_lines),
        _ => {
            // Row 0 stands for all steps together.
            let at = |focus| seen.rows.iter().position(|row| *row == focus);
            let row = ui.focus.and_then(at).map_or(0, |at| at + 1);
            let row = moved(row, by, seen.rows.len() + 1);
            ui.focus = row.checked_sub(1).map(|at| seen.rows[at]);
        }
    }
}

fn moved(at: usize, by: isize, length: usize) -> usize {
    at.saturating_add_signed(by).min(length.saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn seen<'a>(mode: Mode, errors: &'a [(u16, Option<String>)]) -> Seen<'a> {
        Seen {
            mode,
            open_load: true,
            rows: &[2, 0, 1],
            errors,
            log_lines: 5,
        }
    }

    fn key(code: KeyCode) -> KeyEvent {
        KeyEvent::new(code, KeyModifiers::NONE)
    }

    fn errors() -> Vec<(u16, Option<String>)> {
        vec![(0, None), (1, Some("77".to_owned()))]
    }

    #[test]
    fn q_drains_then_stops_and_only_leaves_where_there_is_nothing_to_stop() {
        let (mut ui, errors) = (Ui::default(), errors());
        let q = key(KeyCode::Char('q'));
        let run = seen(Mode::Run, &errors);
        assert_eq!(press(&mut ui, q, &run), Some(Command::Stop(Stop::Drain)));
        assert_eq!(press(&mut ui, q, &run), Some(Command::Stop(Stop::Now)));
        let watch = seen(Mode::Watch, &errors);
        assert_eq!(press(&mut ui, q, &watch), Some(Command::Quit));
    }

    #[test]
    fn the_focus_walks_the_table_as_it_is_sorted() {
        let (mut ui, errors) = (Ui::default(), errors());
        let run = seen(Mode::Run, &errors);
        let mut walk = Vec::new();
        for code in [KeyCode::Down, KeyCode::Down, KeyCode::Down, KeyCode::Down] {
            press(&mut ui, key(code), &run);
            walk.push(ui.focus);
        }
        assert_eq!(walk, [Some(2), Some(0), Some(1), Some(1)]);
        press(&mut ui, key(KeyCode::Esc), &run);
        assert_eq!(ui.focus, None);
    }

    #[test]
    fn y_copies_the_selected_errors_trace_id_or_says_that_there_is_none() {
        let (mut ui, errors) = (Ui::default(), errors());
        let run = seen(Mode::Run, &errors);
        let y = key(KeyCode::Char('y'));
        let copied = Some(Command::Copy("77".to_owned()));
        assert_eq!(press(&mut ui, y, &run), copied);
        ui.tab = Tab::Errors;
        assert_eq!(press(&mut ui, y, &run), None);
        assert!(ui.note.is_some());
        press(&mut ui, key(KeyCode::Down), &run);
        assert_eq!(press(&mut ui, y, &run), copied);
    }

    #[test]
    fn the_rate_changes_only_where_it_can() {
        let (mut ui, errors) = (Ui::default(), errors());
        let plus = key(KeyCode::Char('+'));
        let open = seen(Mode::Run, &errors);
        assert_eq!(press(&mut ui, plus, &open), Some(Command::Rate(RATE_STEP)));
        let closed = Seen {
            open_load: false,
            ..open
        };
        for refusing in [
            closed,
            seen(Mode::Watch, &errors),
            seen(Mode::Replay, &errors),
        ] {
            assert_eq!(press(&mut ui, plus, &refusing), None);
            assert!(ui.note.is_some());
        }
    }

    fn any_key() -> impl Strategy<Value = KeyEvent> {
        let codes = prop_oneof![
            any::<char>().prop_map(KeyCode::Char),
            "[1-6sphfzyqjk+-]".prop_map(|text| KeyCode::Char(text.chars().next().unwrap_or('q'))),
            Just(KeyCode::Up),
            Just(KeyCode::Down),
            Just(KeyCode::PageUp),
            Just(KeyCode::PageDown),
            Just(KeyCode::Tab),
            Just(KeyCode::BackTab),
            Just(KeyCode::Esc),
            Just(KeyCode::Left),
        ];
        (codes, any::<bool>()).prop_map(|(code, control)| {
            let modifiers = if control {
                KeyModifiers::CONTROL
            } else {
                KeyModifiers::NONE
            };
            KeyEvent::new(code, modifiers)
        })
    }

    proptest! {
        /// Whatever is typed: the selection stays on something that is there, and the wish to stop never sinks.
        #[test]
        fn no_key_leads_out_of_bounds(
            keys in prop::collection::vec(any_key(), 0..60),
            rows in 0_u16..5,
            errors in 0_usize..4,
            log_lines in 0_usize..40,
        ) {
            let rows: Vec<u16> = (0..rows).rev().collect();
            let errors = vec![(0, None); errors];
            let seen = Seen { mode: Mode::Run, open_load: true, rows: &rows, errors: &errors, log_lines };
            let mut ui = Ui::default();
            for key in keys {
                let before = ui.stop;
                let command = press(&mut ui, key, &seen);
                prop_assert!(ui.focus.is_none_or(|focus| rows.contains(&focus)));
                prop_assert!(ui.error < errors.len().max(1));
                prop_assert!(ui.log_back < log_lines.max(1));
                prop_assert!(ui.stop >= before);
                prop_assert!(command != Some(Command::Quit));
            }
        }
    }
}
