//! Ctrl-C and SIGTERM while an org is being changed: the first one lets requests under way finish, the default action
//! of the second ends the process.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::exit::Exit;
use crate::progress::Progress;

/// A task that waits for a signal; ended by [`Watch::finish`].
pub(super) struct Watch {
    stop: watch::Receiver<bool>,
    exit: watch::Receiver<Option<Exit>>,
    task: JoinHandle<()>,
}

/// Begins to wait.
pub(super) fn watch(progress: Progress) -> std::io::Result<Watch> {
    let interrupt = signal(SignalKind::interrupt())?;
    let terminate = signal(SignalKind::terminate())?;
    let (stop_sender, stop) = watch::channel(false);
    let (exit_sender, exit) = watch::channel(None);
    let task = tokio::spawn(wait(
        interrupt,
        terminate,
        progress,
        stop_sender,
        exit_sender,
    ));
    Ok(Watch { stop, exit, task })
}

async fn wait(
    mut interrupt: Signal,
    mut terminate: Signal,
    progress: Progress,
    stop: watch::Sender<bool>,
    exit: watch::Sender<Option<Exit>>,
) {
    let ended = tokio::select! {
        _ = interrupt.recv() => Exit::Interrupted,
        _ = terminate.recv() => Exit::Terminated,
    };
    progress.note("interrupted: finishing the requests that are under way");
    // Both receivers live in the command that this task works for.
    let _ = exit.send(Some(ended));
    let _ = stop.send(true);
    // The senders stay until the command ends, so that the flag stays readable.
    std::future::pending::<()>().await;
}

impl Watch {
    /// Turns true at the first signal.
    pub(super) fn stop(&self) -> watch::Receiver<bool> {
        self.stop.clone()
    }

    /// Ends the waiting; the exit code if there was a signal.
    pub(super) fn finish(self) -> Option<Exit> {
        self.task.abort();
        *self.exit.borrow()
    }
}
