//! Ctrl-C and SIGTERM while an org is being changed: the first one lets requests under way finish, the second one does
//! not wait for them.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::exit::Exit;
use crate::progress::Progress;

/// A task that waits for signals; ended by [`Watch::finish`].
pub(super) struct Watch {
    stop: watch::Receiver<bool>,
    abandon: watch::Receiver<bool>,
    exit: watch::Receiver<Option<Exit>>,
    task: JoinHandle<()>,
}

/// Where the task tells of signals.
struct Senders {
    stop: watch::Sender<bool>,
    abandon: watch::Sender<bool>,
    exit: watch::Sender<Option<Exit>>,
}

/// Begins to wait.
pub(super) fn watch(progress: Progress) -> std::io::Result<Watch> {
    let interrupt = signal(SignalKind::interrupt())?;
    let terminate = signal(SignalKind::terminate())?;
    let (stop_sender, stop) = watch::channel(false);
    let (abandon_sender, abandon) = watch::channel(false);
    let (exit_sender, exit) = watch::channel(None);
    let senders = Senders {
        stop: stop_sender,
        abandon: abandon_sender,
        exit: exit_sender,
    };
    let task = tokio::spawn(wait(interrupt, terminate, progress, senders));
    Ok(Watch {
        stop,
        abandon,
        exit,
        task,
    })
}

async fn wait(mut interrupt: Signal, mut terminate: Signal, progress: Progress, senders: Senders) {
    let ended = either(&mut interrupt, &mut terminate).await;
    progress
        .note("interrupted: finishing the requests that are under way; once more to leave them");
    senders.exit.send_replace(Some(ended));
    senders.stop.send_replace(true);
    either(&mut interrupt, &mut terminate).await;
    senders.abandon.send_replace(true);
    // The flags stay readable until the command ends.
    std::future::pending::<()>().await;
}

async fn either(interrupt: &mut Signal, terminate: &mut Signal) -> Exit {
    tokio::select! {
        _ = interrupt.recv() => Exit::Interrupted,
        _ = terminate.recv() => Exit::Terminated,
    }
}

impl Watch {
    /// Turns true at the first signal.
    pub(super) fn stop(&self) -> watch::Receiver<bool> {
        self.stop.clone()
    }

    /// Ready at the second signal.
    pub(super) async fn abandoned(&self) {
        let mut abandon = self.abandon.clone();
        if abandon.wait_for(|abandoned| *abandoned).await.is_err() {
            // The task ended without a second signal, so there will be none.
            std::future::pending::<()>().await;
        }
    }

    /// Ends the waiting; the exit code if there was a signal.
    pub(super) fn finish(self) -> Option<Exit> {
        self.task.abort();
        *self.exit.borrow()
    }
}
