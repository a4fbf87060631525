//! Attends to a run while the engine makes it: shows it, and passes on what people and the system want of it.

use std::io::Write;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::ValueEnum;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use super::progress::Progress;
use super::signals::Signals;
use crate::control::Control;
use crate::engine::Finished;
use crate::measure::snapshot::{Board, Snapshot};
use crate::tui::{self, LiveView, Show, Wish};

/// How often the progress line and the engine are looked after.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// When the live view is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TuiMode {
    /// On a terminal, unless another kind of progress was asked for
    Auto,
    /// Or fail
    Always,
    /// Progress lines instead
    Never,
}

/// The eyes and ears of a run.
pub(super) struct Attendant {
    signals: Signals,
    /// Ctrl-Z from outside, and the way back; only caught while the view has the terminal.
    suspend: Option<(Signal, Signal)>,
    view: Option<LiveView>,
    progress: Progress,
    tell: watch::Sender<Control>,
    /// Whether it was told that the run folder cannot be written.
    told_failure: bool,
}

enum News {
    Signal(&'static str),
    Suspend,
    Resume,
    Wish(Option<Wish>),
    Nothing,
}

impl Attendant {
    pub(super) fn new(signals: Signals, progress: Progress, tell: watch::Sender<Control>) -> Self {
        Self {
            signals,
            suspend: None,
            view: None,
            progress,
            tell,
            told_failure: false,
        }
    }

    /// Shows the live view from now on, if it is wanted and possible.
    ///
    /// # Errors
    /// When it was asked for and cannot be had.
    pub(super) fn open_view(&mut self, mode: TuiMode, show: Show) -> anyhow::Result<()> {
        let wanted = match mode {
            TuiMode::Auto => tui::is_possible() && self.progress.is_auto(),
            TuiMode::Always if !tui::is_possible() => anyhow::bail!(
                "--tui always needs a terminal on standard input and standard error; leave it out, or use --progress plain"
            ),
            TuiMode::Always => true,
            TuiMode::Never => false,
        };
        if wanted {
            let stop = SignalKind::from_raw(rustix::process::Signal::TSTP.as_raw());
            let go_on = SignalKind::from_raw(rustix::process::Signal::CONT.as_raw());
            self.suspend = Some((signal(stop)?, signal(go_on)?));
            self.view = Some(LiveView::start(show).context("the live view cannot be shown")?);
        }
        Ok(())
    }

    /// Stays until the engine is done. Returns who cut the run short, if anyone did.
    pub(super) async fn attend(
        mut self,
        engine: &JoinHandle<anyhow::Result<Finished>>,
        board: &Board,
    ) -> Option<&'static str> {
        while !engine.is_finished() {
            self.tell_failure(&board.read());
            match self.news().await {
                News::Signal(name) => self.stop(name),
                News::Wish(Some(Wish::Stop(_))) => self.stop("key q"),
                News::Wish(Some(Wish::Rate(by))) => self.change_rate(by),
                News::Wish(None) => self.close_view(),
                News::Suspend => self.view.iter().for_each(LiveView::suspend),
                News::Resume => self.view.iter().for_each(LiveView::resume),
                News::Nothing if self.view.is_none() => self.progress.show(&board.read()),
                News::Nothing => {}
            }
        }
        self.close_view();
        self.progress.clear();
        self.signals.first()
    }

    async fn news(&mut self) -> News {
        let (outside, back) = match &mut self.suspend {
            Some((outside, back)) => (Some(outside), Some(back)),
            None => (None, None),
        };
        tokio::select! {
            name = self.signals.wait() => News::Signal(name),
            () = received(outside) => News::Suspend,
            () = received(back) => News::Resume,
            wish = wish_of(&mut self.view) => News::Wish(wish),
            () = tokio::time::sleep(LOOK_EVERY) => News::Nothing,
        }
    }

    /// Says it once when the run folder cannot be written any more, not only at the end of what may be hours.
    fn tell_failure(&mut self, snapshot: &Snapshot) {
        if let Some(failure) = &snapshot.journal_failure
            && !std::mem::replace(&mut self.told_failure, true)
        {
            self.say(format!(
                "the run folder cannot be written any more: {failure}; the run goes on, and its summary will be printed at its end"
            ));
        }
    }

    fn say(&self, text: impl Into<String>) {
        let text = text.into();
        match &self.view {
            Some(view) => view.note(text),
            None => {
                self.progress.clear();
                let _ = writeln!(std::io::stderr(), "\n{text}");
            }
        }
    }

    fn stop(&mut self, who: &'static str) {
        let text = self.signals.raise(who);
        self.say(text);
        let level = self.signals.level();
        self.tell.send_modify(|control| control.stop = level);
    }

    fn change_rate(&mut self, by: f64) {
        let mut factor = None;
        self.tell
            .send_modify(|control| factor = control.multiply_rate(Instant::now(), by));
        let text = match factor {
            Some(factor) => format!("from now on ×{factor:.2} of the scenario's rate"),
            None => "the rate stays: it was changed too often or too far".to_owned(),
        };
        self.view.iter().for_each(|view| view.note(text.clone()));
    }

    fn close_view(&mut self) {
        if let Some(view) = self.view.take()
            && let Err(error) = view.stop()
        {
            tracing::warn!(%error, "the live view failed; the run is not affected");
        }
    }
}

async fn received(signal: Option<&mut Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    }
}

async fn wish_of(view: &mut Option<LiveView>) -> Option<Wish> {
    match view {
        Some(view) => view.wish().await,
        None => std::future::pending().await,
    }
}
