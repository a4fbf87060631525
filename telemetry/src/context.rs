//! The current context of a piece of work: which service does it, at which place in which trace.
//!
//! It is attached to a future (or entered for a scope), follows it from thread to thread, and is read by the
//! logs, by calls to peers and by queue publishers. It works without any `tracing` subscriber, so that trace
//! headers do not depend on the log level. It must not know HTTP routes, queues or exporters.

use std::cell::RefCell;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task;

use pin_project_lite::pin_project;

use crate::identity::Identity;
use crate::trace::{CarrierMut, IdSource, Propagator, Propagators, TraceContext};

thread_local! {
    static CURRENT: RefCell<Option<Context>> = const { RefCell::new(None) };
}

/// The HTTP header that carries the correlation id.
pub const CORRELATION_ID_HEADER: &str = "x-correlation-id";
/// The message attribute that carries the correlation id.
pub const CORRELATION_ID_ATTRIBUTE: &str = "correlationId";
/// Longest correlation id that is taken over from a caller.
pub const CORRELATION_ID_BYTES_MAX: usize = 128;

/// Who does the work and where in a trace. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Context(Arc<Inner>);

#[derive(Debug, Clone)]
struct Inner {
    identity: Identity,
    ids: Arc<IdSource>,
    trace: Option<TraceContext>,
    correlation_id: Option<Arc<str>>,
}

impl Context {
    /// The context of a service outside any trace: start-up, timers, background work.
    pub fn new(identity: Identity, ids: Arc<IdSource>) -> Self {
        Self(Arc::new(Inner {
            identity,
            ids,
            trace: None,
            correlation_id: None,
        }))
    }

    /// The context of the work that runs now.
    pub fn current() -> Option<Self> {
        // While a thread's locals are torn down there is no context.
        CURRENT
            .try_with(|current| current.borrow().clone())
            .ok()
            .flatten()
    }

    /// The same service at `trace`.
    pub fn with_trace(&self, trace: TraceContext) -> Self {
        self.changed(|inner| inner.trace = Some(trace))
    }

    /// The same place under a correlation id; one that is too long or not printable is not taken over.
    pub fn with_correlation_id(&self, id: &str) -> Self {
        let well_formed = !id.is_empty()
            && id.len() <= CORRELATION_ID_BYTES_MAX
            && id.bytes().all(|b| b.is_ascii_graphic());
        if !well_formed {
            return self.clone();
        }
        self.changed(|inner| inner.correlation_id = Some(id.into()))
    }

    /// The context of a new span below this one, or of a new trace when there is none yet.
    pub fn child(&self) -> Self {
        let ids = &self.0.ids;
        let trace = match &self.0.trace {
            Some(parent) => parent.child(ids),
            None => TraceContext::root(ids),
        };
        self.with_trace(trace)
    }

    /// The service that does the work.
    pub fn identity(&self) -> &Identity {
        &self.0.identity
    }

    /// The place in the trace, if the work belongs to one.
    pub fn trace(&self) -> Option<&TraceContext> {
        self.0.trace.as_ref()
    }

    /// The id that follows one order through everything.
    pub fn correlation_id(&self) -> Option<&str> {
        self.0.correlation_id.as_deref()
    }

    /// Writes trace context and correlation id into the headers of a call to a peer.
    pub fn inject_headers(&self, headers: &mut http::HeaderMap) {
        self.inject(Propagators::DEFAULT, CORRELATION_ID_HEADER, headers);
    }

    /// Writes trace context and correlation id into a message's attributes.
    ///
    /// Only tracecontext: SQS allows ten attributes a message, and every consumer here reads it.
    pub fn inject_attributes(&self, attributes: &mut impl CarrierMut) {
        let formats = Propagators::NONE.with(Propagator::TraceContext);
        self.inject(formats, CORRELATION_ID_ATTRIBUTE, attributes);
    }

    /// Makes this the current context until the guard is dropped, on this thread.
    ///
    /// For synchronous scopes; around an `.await` use [`attach`](Self::attach).
    pub fn enter(&self) -> Entered {
        let previous = CURRENT
            .try_with(|current| current.replace(Some(self.clone())))
            .ok()
            .flatten();
        Entered {
            previous,
            not_send: PhantomData,
        }
    }

    /// Makes this the current context whenever `future` runs.
    pub fn attach<F: Future>(&self, future: F) -> Attached<F> {
        Attached {
            context: Some(self.clone()),
            future,
        }
    }

    fn inject(&self, formats: Propagators, id_name: &'static str, to: &mut impl CarrierMut) {
        if let Some(trace) = self.trace() {
            trace.inject(formats, to);
        }
        if let Some(id) = self.correlation_id() {
            to.set(id_name, id.to_owned());
        }
    }

    fn changed(&self, change: impl FnOnce(&mut Inner)) -> Self {
        let mut inner = Inner::clone(&self.0);
        change(&mut inner);
        Self(Arc::new(inner))
    }
}

/// Ends a context's turn as the current one when dropped, see [`Context::enter`].
#[derive(Debug)]
#[must_use = "the context is current only while the guard lives"]
pub struct Entered {
    previous: Option<Context>,
    not_send: PhantomData<*const ()>,
}

impl Drop for Entered {
    fn drop(&mut self) {
        let previous = self.previous.take();
        // A thread whose locals are gone has nothing to restore.
        let _ = CURRENT.try_with(|current| current.replace(previous));
    }
}

pin_project! {
    /// A future with a context of its own, see [`Context::attach`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct Attached<F> {
        context: Option<Context>,
        #[pin]
        future: F,
    }
}

impl<F: Future> Future for Attached<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> task::Poll<F::Output> {
        let this = self.project();
        let _entered = this.context.as_ref().map(Context::enter);
        this.future.poll(cx)
    }
}

/// Lets a future that is about to be spawned keep the context of the spawning code.
pub trait InCurrentContext: Future + Sized {
    /// Attaches the current context, if there is one.
    fn in_current_context(self) -> Attached<Self> {
        Attached {
            context: Context::current(),
            future: self,
        }
    }
}

impl<F: Future> InCurrentContext for F {}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::future::poll_fn;
    use std::pin::pin;
    use std::task::{Poll, Waker};

    use super::*;

    fn context(service: &'static str) -> Context {
        Context::new(
            Identity::new(service, "test", "1.0.0"),
            Arc::new(IdSource::seeded(1)),
        )
    }

    fn current_service() -> Option<String> {
        Context::current().map(|context| context.identity().service().to_owned())
    }

    #[test]
    fn scopes_nest_and_end() {
        assert_eq!(current_service(), None);
        let outer = context("outer").enter();
        {
            let _inner = context("inner").enter();
            assert_eq!(current_service().as_deref(), Some("inner"));
        }
        assert_eq!(current_service().as_deref(), Some("outer"));
        drop(outer);
        assert_eq!(current_service(), None);
    }

    #[test]
    fn a_future_has_its_context_only_while_it_runs() {
        let mut polls = 0;
        let future = context("task").attach(poll_fn(move |_| {
            assert_eq!(current_service().as_deref(), Some("task"));
            polls += 1;
            if polls == 2 {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        }));
        let mut future = pin!(future);
        let mut cx = task::Context::from_waker(Waker::noop());
        assert!(future.as_mut().poll(&mut cx).is_pending());
        assert_eq!(current_service(), None);
        assert!(future.as_mut().poll(&mut cx).is_ready());
        assert_eq!(current_service(), None);
    }

    #[test]
    fn a_child_stays_in_the_trace_and_a_first_span_begins_one() {
        let first = context("a").child();
        let second = first.child();
        let (first, second) = (first.trace().unwrap(), second.trace().unwrap());
        assert_eq!(first.trace_id, second.trace_id);
        assert_ne!(first.span_id, second.span_id);
    }

    #[test]
    fn attributes_carry_trace_and_correlation() {
        let context = context("a").with_correlation_id("c-1").child();
        let mut attributes = BTreeMap::new();
        context.inject_attributes(&mut attributes);
        assert_eq!(attributes[CORRELATION_ID_ATTRIBUTE], "c-1");
        assert_eq!(TraceContext::extract(&attributes).as_ref(), context.trace());
    }

    #[test]
    fn a_strange_correlation_id_is_not_taken_over() {
        let context = context("a");
        for id in ["", "two words", "line\nbreak", &"x".repeat(129)] {
            assert_eq!(context.with_correlation_id(id).correlation_id(), None);
        }
    }
}
