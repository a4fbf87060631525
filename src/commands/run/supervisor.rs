//! The run supervisor: shows a run while it is made, and passes on what people and the system want of it.

use std::io::Write;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::Context;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{oneshot, watch};

use super::flags::{RunArgs, TuiMode};
use super::progress::{Progress, ProgressMode};
use super::signals::Signals;
use crate::control::{Control, Stop};
use crate::log::Tail;
use crate::measure::snapshot::{LatestSnapshot, Snapshot, Subject};
use crate::run::RunRecord;
use crate::scenario::{Load, Scenario};
use crate::tui::keys::Mode;
use crate::tui::{self, LiveView, OwnRun, Show, UserCommand};

/// How often the progress line and the engine are looked after.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// The eyes and ears of a run.
pub(super) struct RunSupervisor {
    signals: Signals,
    /// Ctrl-Z from outside, and the way back; only caught while the view has the terminal.
    suspend: Option<(Signal, Signal)>,
    tui: TuiMode,
    open_load: bool,
    view: Option<LiveView>,
    progress: Progress,
    latest: LatestSnapshot,
    log: Tail,
    tell: watch::Sender<Control>,
    /// Whether it was told that the run folder cannot be written.
    told_failure: bool,
}

enum RunEvent {
    /// The load begins, if it does.
    Begins(Option<Subject>),
    Signal(&'static str),
    Suspend,
    Resume,
    UserCommand(Option<UserCommand>),
    Nothing,
}

/// Whether the live view can be had, if it must.
///
/// # Errors
/// When it cannot; the message names the remedy.
pub(super) fn check_view(args: &RunArgs) -> anyhow::Result<()> {
    anyhow::ensure!(
        args.tui != TuiMode::Always || tui::is_possible(),
        "--tui always needs a terminal on standard input and standard error; leave it out, or use --progress plain"
    );
    Ok(())
}

impl RunSupervisor {
    /// Of a run of this scenario: what is heard and told, and what is shown.
    pub(super) fn new(
        args: &RunArgs,
        scenario: &Scenario,
        signals: Signals,
        tell: watch::Sender<Control>,
        latest: LatestSnapshot,
        log: Tail,
    ) -> Self {
        Self {
            signals,
            suspend: None,
            tui: if args.quiet { TuiMode::Never } else { args.tui },
            open_load: matches!(scenario.load, Load::Open { .. }),
            view: None,
            progress: Progress::new(if args.quiet {
                ProgressMode::None
            } else {
                args.progress
            }),
            latest,
            log,
            tell,
            told_failure: false,
        }
    }

    /// Shows the live view from now on, if it is wanted and possible.
    ///
    /// # Errors
    /// When it was asked for and cannot be had.
    fn open_view(&mut self, subject: Subject) -> anyhow::Result<()> {
        let wanted = match self.tui {
            TuiMode::Auto => tui::is_possible() && self.progress.is_auto(),
            TuiMode::Always => true,
            TuiMode::Never => false,
        };
        if wanted {
            let stop = SignalKind::from_raw(rustix::process::Signal::TSTP.as_raw());
            let go_on = SignalKind::from_raw(rustix::process::Signal::CONT.as_raw());
            self.suspend = Some((signal(stop)?, signal(go_on)?));
            let show = Show {
                subject,
                source: Box::new(OwnRun {
                    latest: self.latest.clone(),
                    log: self.log.clone(),
                }),
                mode: Mode::Run,
                open_load: self.open_load,
                speed: 1.0,
            };
            self.view = Some(LiveView::start(show).context("the live view cannot be shown")?);
        }
        Ok(())
    }

    /// Stays until the run is done.
    ///
    /// # Errors
    /// When the live view cannot be had; the run has been told to stop then, and is done all the same.
    pub(super) async fn attend(
        mut self,
        run: &JoinHandle<anyhow::Result<RunRecord>>,
        begins: oneshot::Receiver<Subject>,
    ) -> anyhow::Result<()> {
        let mut begins = Some(begins);
        let mut shown = Ok(());
        while !run.is_finished() {
            let snapshot = self.latest.read();
            self.tell_failure(&snapshot);
            if snapshot.finished {
                // What comes after the load has figures of its own, and the summary follows.
                self.close_view();
            }
            match self.event(&mut begins).await {
                RunEvent::Begins(subject) => {
                    begins = None;
                    shown = subject.map_or(Ok(()), |subject| self.open_view(subject));
                    if shown.is_err() {
                        self.tell.send_modify(|control| control.stop = Stop::Now);
                    }
                }
                RunEvent::Signal(name) => self.stop(name),
                RunEvent::UserCommand(Some(UserCommand::Stop(_))) => self.stop("key q"),
                RunEvent::UserCommand(Some(UserCommand::Rate(by))) => self.change_rate(by),
                RunEvent::UserCommand(None) => self.close_view(),
                RunEvent::Suspend => self.view.iter().for_each(LiveView::suspend),
                RunEvent::Resume => self.view.iter().for_each(LiveView::resume),
                RunEvent::Nothing if self.view.is_none() && !snapshot.finished => {
                    self.progress.show(&self.latest.read());
                }
                RunEvent::Nothing => {}
            }
        }
        self.close_view();
        self.progress.clear();
        shown
    }

    async fn event(&mut self, begins: &mut Option<oneshot::Receiver<Subject>>) -> RunEvent {
        let (outside, back) = match &mut self.suspend {
            Some((outside, back)) => (Some(outside), Some(back)),
            None => (None, None),
        };
        tokio::select! {
            subject = received_once(begins) => RunEvent::Begins(subject),
            name = self.signals.wait() => RunEvent::Signal(name),
            () = received(outside) => RunEvent::Suspend,
            () = received(back) => RunEvent::Resume,
            user_command = user_command_of(&mut self.view) => RunEvent::UserCommand(user_command),
            () = tokio::time::sleep(LOOK_EVERY) => RunEvent::Nothing,
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
        let mut level = Stop::No;
        self.tell
            .send_modify(|control| level = control.ask_to_stop(who));
        self.say(match level {
            Stop::Now => format!("{who}: stopping now"),
            Stop::No | Stop::Drain => {
                format!("{who}: waiting for answers on their way; again to stop now")
            }
        });
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

async fn received_once(begins: &mut Option<oneshot::Receiver<Subject>>) -> Option<Subject> {
    match begins {
        Some(begins) => begins.await.ok(),
        None => std::future::pending().await,
    }
}

async fn received(signal: Option<&mut Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    }
}

async fn user_command_of(view: &mut Option<LiveView>) -> Option<UserCommand> {
    match view {
        Some(view) => view.user_command().await,
        None => std::future::pending().await,
    }
}
