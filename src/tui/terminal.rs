//! The terminal itself: taken over, and given back whatever happens.
//!
//! Must not know: what is shown on it.

use std::io::{self, BufWriter, IsTerminal, Stderr, Write};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ratatui::Terminal;
use ratatui::backend::{Backend, CrosstermBackend};
use ratatui::crossterm::cursor::{Hide, Show};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{
    Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Signal, getppid, getsid, kill_current_process_group};

use super::view::{Scene, draw};

/// A frame is written in one piece.
const FRAME_BYTES: usize = 256 * 1024;

/// How much lower than the generator's threads the view's priority is.
const NICENESS: i32 = 10;

/// By then a process that was told to stop has stopped.
const STOPPED_AFTER: Duration = Duration::from_millis(100);

/// Whether the terminal is in our hands.
static OURS: AtomicBool = AtomicBool::new(false);

static HOOK: Once = Once::new();

/// The terminal, taken over. Dropping it gives the terminal back.
pub(super) struct Screen {
    /// Only gone at the end.
    terminal: Option<Terminal<CrosstermBackend<BufWriter<Stderr>>>>,
}

/// Whether a view can be shown: it needs a terminal for its picture and one for its keys.
pub fn is_possible() -> bool {
    let dumb = std::env::var("TERM").is_ok_and(|term| term == "dumb");
    io::stderr().is_terminal() && io::stdin().is_terminal() && !dumb
}

/// Whether the terminal is still in our hands; a panic in any thread gives it back.
pub(super) fn is_ours() -> bool {
    OURS.load(Ordering::SeqCst)
}

/// Waits for keys, at most this long.
///
/// crossterm's own wait never comes back from a terminal that has been closed, so it is only asked when there is one.
pub(super) fn wait_for_input(patience: Duration) -> io::Result<()> {
    let stdin = io::stdin();
    let mut sources = [PollFd::new(&stdin, PollFlags::IN)];
    let patience = Timespec::try_from(patience).map_err(io::Error::other)?;
    match poll(&mut sources, Some(&patience)) {
        // A signal, such as that of a new size.
        Err(rustix::io::Errno::INTR) => return Ok(()),
        other => other?,
    };
    if sources[0]
        .revents()
        .intersects(PollFlags::HUP | PollFlags::ERR)
    {
        return Err(io::Error::other("the terminal was closed"));
    }
    Ok(())
}

/// Lets other threads go first. Where the system refuses, drawing is rare enough anyway.
pub(super) fn yield_to_others() {
    #[cfg(target_os = "linux")]
    {
        // On Linux a priority is a thread's own.
        let _ = rustix::process::setpriority_process(Some(rustix::thread::gettid()), NICENESS);
    }
}

impl Screen {
    /// Takes the terminal over.
    pub(super) fn enter() -> io::Result<Self> {
        HOOK.call_once(|| {
            let before = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |info| {
                // The message must not be lost on a screen that is about to go away.
                let _ = give_back();
                before(info);
            }));
        });
        take()?;
        let terminal = blank().inspect_err(|_| {
            let _ = give_back();
        })?;
        Ok(Self {
            terminal: Some(terminal),
        })
    }

    /// Draws what has changed.
    pub(super) fn draw(&mut self, scene: &Scene<'_>) -> io::Result<()> {
        match &mut self.terminal {
            Some(terminal) => terminal.draw(|frame| draw(frame, scene)).map(|_| ()),
            None => Ok(()),
        }
    }

    /// Forgets what is on the screen, so that the next frame is drawn whole.
    pub(super) fn clear(&mut self) -> io::Result<()> {
        execute!(io::stderr(), Clear(ClearType::All))?;
        // Not `Terminal::clear`: it asks the terminal where the cursor is, and the answer may go to someone else.
        if let Some(before) = self.terminal.replace(blank()?) {
            let_go(before);
        }
        Ok(())
    }

    /// Puts a text onto the clipboard of the terminal, also through ssh (OSC 52).
    pub(super) fn copy(&mut self, text: &str) -> io::Result<()> {
        let encoded = BASE64.encode(text);
        let Some(terminal) = &mut self.terminal else {
            return Ok(());
        };
        let backend = terminal.backend_mut();
        write!(backend, "\x1b]52;c;{encoded}\x07")?;
        Write::flush(backend)
    }

    /// Stops the process as a shell expects it, and takes the terminal over again when it goes on. `false` when there is no
    /// shell that could let it go on.
    pub(super) fn suspend(&mut self) -> io::Result<bool> {
        if !has_shell() {
            return Ok(false);
        }
        give_back()?;
        // Not SIGTSTP: that one is caught so that it comes this way.
        kill_current_process_group(Signal::STOP)?;
        // Another thread may be the one that takes the signal, and this one would run on for a moment.
        std::thread::sleep(STOPPED_AFTER);
        self.enter_again()?;
        Ok(true)
    }

    /// Takes the terminal over after someone else had it.
    pub(super) fn enter_again(&mut self) -> io::Result<()> {
        take()?;
        self.clear()
    }

    /// Gives the terminal back.
    pub(super) fn leave(mut self) -> io::Result<()> {
        if let Some(terminal) = self.terminal.take() {
            let_go(terminal);
        }
        give_back()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        if let Some(terminal) = self.terminal.take() {
            let_go(terminal);
        }
        let _ = give_back();
    }
}

/// Shows the cursor. A `Terminal` that is dropped does so itself, and panics where the terminal is gone and cannot even be told
/// that it failed.
fn let_go<B: Backend>(mut terminal: Terminal<B>) {
    if terminal.show_cursor().is_err() {
        std::mem::forget(terminal);
    }
}

fn blank() -> io::Result<Terminal<CrosstermBackend<BufWriter<Stderr>>>> {
    let out = BufWriter::with_capacity(FRAME_BYTES, io::stderr());
    Terminal::new(CrosstermBackend::new(out))
}

/// A process whose parent belongs to another session has no shell that waits for it.
fn has_shell() -> bool {
    let parent = getsid(getppid());
    parent.is_ok() && parent == getsid(None)
}

fn take() -> io::Result<()> {
    enable_raw_mode()?;
    OURS.store(true, Ordering::SeqCst);
    execute!(io::stderr(), EnterAlternateScreen, Hide)
}

fn give_back() -> io::Result<()> {
    if !OURS.swap(false, Ordering::SeqCst) {
        return Ok(());
    }
    let screen = execute!(io::stderr(), LeaveAlternateScreen, Show);
    disable_raw_mode().and(screen)
}
