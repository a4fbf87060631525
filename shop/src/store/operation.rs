//! Operations that outlive their callers: what talks to a server runs in a task of its own.
//!
//! A caller may go at any `.await`: a client hangs up, a time limit passes. What it asked for is then carried to
//! its end all the same, under limits of its own, so that no exchange with a server is left half-way and no broken
//! connection stays unnoticed because nobody waited long enough. It must not know what the operations do.

use std::sync::Arc;
use std::time::Duration;

use telemetry::InCurrentContext;
use tokio::sync::Semaphore;

use crate::store::{StoreError, StoreResult};

/// Operations under way or waiting at the same time; more are turned away.
const UNDER_WAY_MAX: u32 = 2_048;

/// The operations on one server. Owns their tasks: [`close`](Self::close) waits for them.
pub(crate) struct Operations {
    server: &'static str,
    places: Arc<Semaphore>,
}

impl Operations {
    /// Operations on a server that errors call `server`.
    pub(crate) fn new(server: &'static str) -> Self {
        Operations {
            server,
            places: Arc::new(Semaphore::new(UNDER_WAY_MAX as usize)),
        }
    }

    /// Carries the operation to its end, also when the returned future is dropped before.
    ///
    /// The operation has to limit itself in time. What a dropped future did not say was not acknowledged.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        operation: impl Future<Output = StoreResult<T>> + Send + 'static,
    ) -> StoreResult<T> {
        let place = Arc::clone(&self.places).try_acquire_owned();
        let place = place.map_err(|_| self.busy("too many operations wait, or it is closed"))?;
        let task = async move {
            let outcome = operation.await;
            drop(place);
            outcome
        };
        match tokio::spawn(task.in_current_context()).await {
            Ok(outcome) => outcome,
            Err(error) if error.is_panic() => Err(StoreError::Failed(format!(
                "{}: an operation panicked",
                self.server
            ))),
            Err(_) => Err(self.busy("the process is ending")),
        }
    }

    /// Waits for the operations under way, at most for `limit`; none begins afterwards. True when all have ended.
    pub(crate) async fn close(&self, limit: Duration) -> bool {
        let all = self.places.acquire_many(UNDER_WAY_MAX);
        let ended = tokio::time::timeout(limit, all).await.is_ok();
        self.places.close();
        ended
    }

    fn busy(&self, why: &str) -> StoreError {
        StoreError::Busy(format!("{}: {why}", self.server))
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Waker};

    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn what_was_begun_is_carried_to_its_end_without_its_caller() {
        let operations = Operations::new("test");
        let (go, gone) = oneshot::channel::<()>();
        let (say, said) = oneshot::channel();
        {
            let mut asked = pin!(operations.run(async move {
                gone.await.expect("is let go");
                say.send(()).expect("is heard");
                Ok(())
            }));
            let mut cx = Context::from_waker(Waker::noop());
            assert!(asked.as_mut().poll(&mut cx).is_pending());
        }
        go.send(()).expect("it still waits");
        said.await.expect("it came to its end");
        assert!(operations.close(Duration::from_secs(10)).await);
        let late = operations.run(async { Ok(()) }).await;
        assert!(matches!(late, Err(StoreError::Busy(_))), "{late:?}");
    }

    #[tokio::test]
    async fn there_is_a_limit_and_a_panic_is_an_error() {
        let operations = Operations::new("test");
        let all = Arc::clone(&operations.places)
            .acquire_many_owned(UNDER_WAY_MAX)
            .await;
        let refused = operations.run(async { Ok(()) }).await;
        assert!(matches!(refused, Err(StoreError::Busy(_))), "{refused:?}");
        drop(all);
        let panicked: StoreResult<()> = operations.run(async { panic!("on purpose") }).await;
        assert!(
            matches!(panicked, Err(StoreError::Failed(_))),
            "{panicked:?}"
        );
        assert!(operations.close(Duration::from_secs(10)).await);
    }
}
