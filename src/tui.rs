//! The live view: a loop on a thread of its own that reads snapshots, draws them and listens for keys.
//!
//! It never touches the load: it reads what the collector published, draws at most ten times a second and only when there
//! is something new, and hands commands out through a bounded channel. Must not know: how a run is made.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use ratatui::crossterm::event::{self, Event, KeyEvent, KeyEventKind};
use tokio::sync::mpsc;

use crate::control::Stop;
use crate::log::Tail;
use crate::measure::snapshot::{LatestSnapshot, Snapshot, Subject};

pub mod keys;
pub mod palette;
pub mod scale;
mod terminal;
pub mod view;

use keys::{Command, Mode, Seen, Ui, press};
use palette::Palette;
use terminal::Screen;
pub use terminal::is_possible;
use view::Scene;

/// Shortest time between two frames.
const FRAME_MIN: Duration = Duration::from_millis(100);

/// How long the loop waits for a key when there is nothing to draw.
const IDLE: Duration = Duration::from_millis(200);

/// Keys taken in one go; the rest waits for the next frame.
const KEYS_MAX: usize = 64;

/// Commands that may wait for the run.
const USER_COMMANDS_MAX: usize = 64;

/// Where the view gets its snapshots from.
pub trait Source: Send {
    /// The newest snapshot. The same one as before means that there is nothing new.
    fn read(&mut self) -> Arc<Snapshot>;
    /// The log's last lines.
    fn log(&self) -> Vec<String>;
    /// Takes a command that concerns the source itself: the speed of a replay, a jump.
    fn steer(&mut self, _: &Command) {}
}

/// A run of this process.
#[derive(Debug)]
pub struct OwnRun {
    /// Where the collector publishes.
    pub latest: LatestSnapshot,
    /// The log.
    pub log: Tail,
}

impl Source for OwnRun {
    fn read(&mut self) -> Arc<Snapshot> {
        self.latest.read()
    }

    fn log(&self) -> Vec<String> {
        self.log.lines()
    }
}

/// What is to be shown.
pub struct Show {
    /// What is known of the run.
    pub subject: Subject,
    /// Where snapshots come from.
    pub source: Box<dyn Source>,
    /// What is being looked at.
    pub mode: Mode,
    /// Whether the run's rate can be changed.
    pub open_load: bool,
    /// How fast a replay goes.
    pub speed: f64,
}

/// A command of the person at the terminal that concerns the run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum UserCommand {
    /// Stop it.
    Stop(Stop),
    /// Multiply its rate.
    Rate(f64),
}

/// A view on a thread of its own.
pub struct LiveView {
    thread: JoinHandle<io::Result<()>>,
    shared: Arc<ViewSignals>,
    user_commands: mpsc::Receiver<UserCommand>,
}

/// What other threads tell the view.
#[derive(Debug, Default)]
struct ViewSignals {
    quit: AtomicBool,
    suspend: AtomicBool,
    redraw: AtomicBool,
    note: Mutex<Option<String>>,
}

impl LiveView {
    /// Takes the terminal over.
    ///
    /// # Errors
    /// When the terminal or a thread cannot be had; the terminal is as it was then.
    pub fn start(show: Show) -> io::Result<Self> {
        let screen = Screen::enter()?;
        let (tell, user_commands) = mpsc::channel(USER_COMMANDS_MAX);
        let shared = Arc::new(ViewSignals::default());
        let theirs = shared.clone();
        let thread = std::thread::Builder::new()
            .name("view".to_owned())
            .spawn(move || {
                terminal::yield_to_others();
                Loop::new(show, screen, theirs, Some(tell)).run()
            })?;
        Ok(Self {
            thread,
            shared,
            user_commands,
        })
    }

    /// The next command; `None` when the view is gone.
    pub async fn user_command(&mut self) -> Option<UserCommand> {
        self.user_commands.recv().await
    }

    /// Shows a line at the bottom.
    pub fn note(&self, text: String) {
        let note = self.shared.note.lock();
        *note.unwrap_or_else(PoisonError::into_inner) = Some(text);
    }

    /// Goes into the background, as SIGTSTP asks for.
    pub fn suspend(&self) {
        self.shared.suspend.store(true, Ordering::Relaxed);
    }

    /// Takes the terminal over again after the process was stopped and went on.
    pub fn resume(&self) {
        self.shared.redraw.store(true, Ordering::Relaxed);
    }

    /// Gives the terminal back.
    ///
    /// # Errors
    /// When the view failed before.
    pub fn stop(self) -> io::Result<()> {
        self.shared.quit.store(true, Ordering::Relaxed);
        let ended = self.thread.join();
        ended.unwrap_or_else(|_| Err(io::Error::other("the view panicked")))
    }
}

/// Shows on this thread until the person leaves.
///
/// # Errors
/// When the terminal fails.
pub fn show(show: Show) -> io::Result<()> {
    let screen = Screen::enter()?;
    Loop::new(show, screen, Arc::default(), None).run()
}

struct Loop {
    show: Show,
    screen: Screen,
    shared: Arc<ViewSignals>,
    user_commands: Option<mpsc::Sender<UserCommand>>,
    ui: Ui,
    palette: Palette,
    snapshot: Arc<Snapshot>,
    drawn: Option<Instant>,
    dirty: bool,
    /// Changes of the rate since the last frame: a key held down is one change a frame.
    rate: f64,
}

impl Loop {
    fn new(
        show: Show,
        screen: Screen,
        shared: Arc<ViewSignals>,
        user_commands: Option<mpsc::Sender<UserCommand>>,
    ) -> Self {
        let speed = show.speed;
        Self {
            show,
            screen,
            shared,
            user_commands,
            ui: Ui {
                speed,
                ..Ui::default()
            },
            palette: Palette::of_environment(|name| match name {
                "NO_COLOR" => crate::colour::is_refused().then(|| "1".to_owned()),
                name => std::env::var(name).ok(),
            }),
            snapshot: Arc::default(),
            drawn: None,
            dirty: true,
            rate: 1.0,
        }
    }

    fn run(mut self) -> io::Result<()> {
        while !self.shared.quit.load(Ordering::Relaxed) && terminal::is_ours() {
            if !self.listen()? {
                break;
            }
            self.heed()?;
            let newest = self.show.source.read();
            if !self.ui.paused && !Arc::ptr_eq(&newest, &self.snapshot) {
                self.snapshot = newest;
                self.dirty = true;
            }
            if self.dirty && self.until_next_frame().is_zero() {
                self.draw()?;
            }
        }
        self.screen.leave()
    }

    fn until_next_frame(&self) -> Duration {
        self.drawn
            .map_or(Duration::ZERO, |at| FRAME_MIN.saturating_sub(at.elapsed()))
    }

    /// Waits for keys, and takes those that are there. `false` means: leave.
    fn listen(&mut self) -> io::Result<bool> {
        let patience = if self.dirty {
            self.until_next_frame()
        } else {
            IDLE
        };
        terminal::wait_for_input(patience)?;
        for _ in 0..KEYS_MAX {
            if !event::poll(Duration::ZERO)? {
                break;
            }
            match event::read()? {
                Event::Key(key) if key.kind != KeyEventKind::Release => {
                    self.dirty = true;
                    if !self.key(key)? {
                        return Ok(false);
                    }
                }
                Event::Resize(..) => self.dirty = true,
                _ => {}
            }
        }
        Ok(true)
    }

    fn key(&mut self, key: KeyEvent) -> io::Result<bool> {
        let rows = view::steps::order(&self.snapshot, self.ui.sort);
        let errors: Vec<(u16, Option<String>)> = self
            .snapshot
            .errors
            .iter()
            .map(|kind| {
                let example = kind.example.as_ref();
                (kind.figure, example.and_then(|e| e.trace_id.clone()))
            })
            .collect();
        let seen = Seen {
            mode: self.show.mode,
            open_load: self.show.open_load,
            rows: &rows,
            errors: &errors,
            log_lines: self.show.source.log().len(),
        };
        match press(&mut self.ui, key, &seen) {
            None => {}
            Some(Command::Quit) => return Ok(false),
            Some(Command::Suspend) => self.suspend()?,
            Some(Command::Redraw) => self.screen.clear()?,
            Some(Command::Copy(text)) => self.screen.copy(&text)?,
            Some(Command::Stop(level)) => self.user_command(UserCommand::Stop(level)),
            Some(Command::Rate(by)) => self.rate *= by,
            Some(command @ (Command::Speed(_) | Command::Jump(_))) => {
                self.show.source.steer(&command);
            }
        }
        Ok(true)
    }

    fn user_command(&mut self, user_command: UserCommand) {
        let sent = self
            .user_commands
            .as_ref()
            .is_some_and(|user_commands| user_commands.try_send(user_command).is_ok());
        if !sent {
            self.ui.note = Some("the run does not answer".to_owned());
        }
    }

    /// Does what other threads asked for.
    fn heed(&mut self) -> io::Result<()> {
        let rate = std::mem::replace(&mut self.rate, 1.0);
        if rate != 1.0 {
            self.user_command(UserCommand::Rate(rate));
        }
        if self.shared.suspend.swap(false, Ordering::Relaxed) {
            self.suspend()?;
        }
        if self.shared.redraw.swap(false, Ordering::Relaxed) {
            self.screen.enter_again()?;
            self.dirty = true;
        }
        let mut note = self
            .shared
            .note
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(text) = note.take() {
            self.ui.note = Some(text);
            self.dirty = true;
        }
        Ok(())
    }

    fn suspend(&mut self) -> io::Result<()> {
        if !self.screen.suspend()? {
            self.ui.note = Some("there is no shell to go back to".to_owned());
        }
        self.dirty = true;
        Ok(())
    }

    fn draw(&mut self) -> io::Result<()> {
        let log = self.show.source.log();
        let scene = Scene {
            subject: &self.show.subject,
            snapshot: &self.snapshot,
            ui: &self.ui,
            mode: self.show.mode,
            log: &log,
            palette: self.palette,
        };
        self.screen.draw(&scene)?;
        self.drawn = Some(Instant::now());
        self.dirty = false;
        Ok(())
    }
}
