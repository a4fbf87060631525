//! A journey run: one shopper walks its journey, sends what it says, and records what happened.

use std::rc::Rc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;

use super::Stop;
use super::browsing::Browsing;
use super::examples;
use super::judging::{Judging, is_long};
use super::worker_state::WorkerState;
use crate::journey::{Action, Cursor};
use crate::measure::samples::Sample;
use crate::measure::{Ending, JourneyEnding, PhaseId, Replay, StepSample, Timing};
use crate::protocol::http::browser::Fetched;
use crate::protocol::http::{Http, HttpClient, HttpSending};
use crate::protocol::{PreparedKind, Protocol};
use crate::redact::Shown;
use crate::response::{self, Response};
use crate::rum::record::What;
use crate::scenario::{Step, StepId};
use crate::shopper::Shopper;
use crate::template::{Slot, Value};
use crate::transport::{Exchange, Failure, Transport};

/// One shopper's whole journey, from its arrival at the offset `arrival`; `None` if it cannot arrive, which is recorded.
pub(super) fn journey_run<T: Transport>(
    worker: &Rc<WorkerState<T>>,
    index: u64,
    arrival: Duration,
) -> Option<impl Future<Output = ()> + 'static> {
    match Shopper::arrive(&worker.world, index) {
        // Boxed here: the compiler would keep a copy of the run at each level of the journey's future, and the runtime would
        // copy that about.
        Ok(shopper) => Some(Box::pin(
            Box::new(JourneyRun::begin(worker.clone(), shopper, arrival)).walk(),
        )),
        Err(_) => {
            let mut recorder = worker.recorder.borrow_mut();
            recorder.dropped(arrival, "feeder_exhausted");
            None
        }
    }
}

/// A journey under way; dropping it records how it ended.
pub(super) struct JourneyRun<T: Transport> {
    pub(super) worker: Rc<WorkerState<T>>,
    pub(super) shopper: Shopper,
    pub(super) client: HttpClient<T>,
    /// What is told of its browser.
    pub(super) browsing: Browsing,
    arrival: Duration,
    phase: PhaseId,
    /// Think times so far, and the time that the generator took over long answers: no wait for the system.
    not_waited: Duration,
    /// Whether the first step has been sent.
    begun: bool,
    /// Places of the funnel that the shopper has come to, one bit each.
    reached: u64,
    ending: JourneyEnding,
}

/// What is known of a step before it is sent, and stands in its sample.
#[derive(Clone, Copy)]
pub(super) struct Sending {
    pub(super) step: StepId,
    intended: Duration,
    trace_id: u64,
}

/// A request that is to be sent, with what is needed to make sense of its answer.
pub(super) struct Pending {
    pub(super) sending: Sending,
    pub(super) request: HttpSending,
}

/// A request that came to its end.
struct Exchanged {
    /// When the step began, a preflight before it included.
    asked: Instant,
    fetched: Fetched,
}

/// An answer, before it is judged.
struct Came {
    /// On the wire.
    bytes: u64,
    decoded_bytes: u64,
    replay: Replay,
    response: Response,
}

/// How a step left the shopper.
struct After {
    done: Duration,
    /// How long the generator took to judge the answer, if that may be long.
    judging: Duration,
    response: Option<Response>,
    /// `Some` when the journey ends here.
    leave: Option<JourneyEnding>,
}

impl<T: Transport> JourneyRun<T> {
    /// Begins one at the offset `arrival`.
    pub(super) fn begin(worker: Rc<WorkerState<T>>, shopper: Shopper, arrival: Duration) -> Self {
        worker.shopper_came();
        let client = worker.http.client(&worker.world, &shopper);
        let phase = worker.phases.at(arrival);
        let ending = JourneyEnding::InFlight;
        let mut run = Self {
            worker,
            shopper,
            client,
            browsing: Browsing::begin(arrival),
            arrival,
            phase,
            not_waited: Duration::ZERO,
            begun: false,
            reached: 0,
            ending,
        };
        run.tell_arrival(arrival);
        run
    }

    async fn walk(mut self: Box<Self>) {
        let world = self.worker.world.clone();
        let journey = &world.scenario().journeys[self.shopper.journey()];
        let late = self.worker.offset().saturating_sub(self.arrival);
        self.worker
            .recorder
            .borrow_mut()
            .started(self.arrival, late);
        let mut cursor = Cursor::new(&journey.program);
        let mut last: Option<Response> = None;
        // Intended time of the next step: the predecessor's end, plus think time, plus the time that the generator took over a long
        // answer. The shopper did not wait for the system meanwhile; so what comes next must not look slow for it.
        let mut due = self.arrival;
        loop {
            let judging = Judging::of(last.as_ref());
            let action = cursor.next(&journey.program, &world, &mut self.shopper, last.as_ref());
            if !(matches!(action, Action::Think(_)) && cursor.needs_response(&journey.program)) {
                last = None;
            }
            due += self.not_waiting(judging.took());
            let after = match action {
                // A value that was made and never sent: nothing else tells of it.
                Action::Done | Action::Left if self.shopper.take_too_large() => {
                    return self.ending = JourneyEnding::Failed;
                }
                Action::Done | Action::Left => return self.ending = JourneyEnding::Completed,
                Action::Stuck => return self.ending = JourneyEnding::Failed,
                Action::Think(time) => {
                    due += time;
                    self.tell(What::Rests);
                    self.worker.sleep_or_stop(due).await;
                    self.tell(What::Wakes);
                    self.not_waiting(time);
                    continue;
                }
                _ if self.worker.stop_level() != Stop::No => return,
                Action::Send(step) => self.send(step, due).await,
                // Boxed: most steps come alone, and thousands of shoppers wait.
                Action::Together(steps) => Box::pin(self.send_together(steps, due)).await,
            };
            due = after.done + self.not_waiting(after.judging);
            last = after.response;
            if let Some(ending) = after.leave {
                return self.ending = ending;
            }
        }
    }

    /// The shopper did not wait for the system for so long.
    fn not_waiting(&mut self, time: Duration) -> Duration {
        self.not_waited += time;
        time
    }

    /// Sends one step now, on no journey's behalf. Whether a shopper would go on after it.
    pub(super) async fn send_alone(&mut self, step: StepId) -> bool {
        self.send(step, self.worker.offset()).await.leave.is_none()
    }

    /// What the shopper remembers.
    pub(super) fn variable(&self, slot: Slot) -> &Value {
        self.shopper.variable(slot)
    }

    async fn send(&mut self, step: StepId, due: Duration) -> After {
        let pending = self.prepare(step, due);
        let exchange = self.exchange(&pending).await;
        self.conclude(pending, exchange)
    }

    /// All are made first and judged in order, so that what a shopper sends does not depend on which answer is first.
    async fn send_together(&mut self, steps: &[StepId], due: Duration) -> After {
        let pending: Vec<Pending> = steps.iter().map(|step| self.prepare(*step, due)).collect();
        let exchanges = join_all(pending.iter().map(|pending| self.exchange(pending))).await;
        let mut all = After {
            done: due,
            judging: Duration::ZERO,
            response: None,
            leave: None,
        };
        for (pending, exchange) in pending.into_iter().zip(exchanges) {
            let one = self.conclude(pending, exchange);
            all.done = all.done.max(one.done);
            let letting_go = Judging::of(all.response.as_ref());
            all.response = one.response;
            all.judging += one.judging + letting_go.took();
            all.leave = all.leave.or(one.leave);
        }
        all
    }

    fn prepare(&mut self, step: StepId, intended: Duration) -> Pending {
        let worker = self.worker.clone();
        self.come_to(step);
        self.keep_session(intended);
        let PreparedKind::Http(prepared) = &worker.plan.step(step).kind;
        let (client, shopper) = (&mut self.client, &mut self.shopper);
        let request = worker
            .http
            .prepare(client, prepared, &worker.world, shopper);
        let sending = Sending {
            step,
            intended,
            trace_id: request.traced.trace_id,
        };
        Pending { sending, request }
    }

    /// Counts the shopper in the funnel, at each place once. Places beyond the 64th are not counted.
    fn come_to(&mut self, step: StepId) {
        let worker = self.worker.clone();
        let scenario = worker.world.scenario();
        let figure = scenario.steps[usize::from(step.0)].figure;
        let journey = self.shopper.journey();
        let mut funnel = scenario.journeys[journey].funnel.iter().take(64);
        let Some(place) = funnel.position(|at| *at == figure) else {
            return;
        };
        if self.reached & (1 << place) == 0 {
            self.reached |= 1 << place;
            let journey = u16::try_from(journey).unwrap_or(u16::MAX);
            worker.recorder.borrow_mut().reached(journey, place as u8);
        }
    }

    async fn exchange(&self, pending: &Pending) -> Exchanged {
        let asked = Instant::now();
        let in_flight = InFlightGuard::begin(self, pending.sending, asked);
        let step = pending.sending.step;
        let awaiting = self.worker.plan.step(step).awaiting;
        let http = &self.worker.http;
        let fetched = http
            .exchange(&self.client, step, &pending.request, awaiting)
            .await;
        in_flight.complete();
        Exchanged { asked, fetched }
    }

    fn conclude(&mut self, pending: Pending, exchanged: Exchanged) -> After {
        let Exchanged {
            asked: begun,
            fetched,
        } = exchanged;
        let worker = self.worker.clone();
        let step = &worker.world.scenario().steps[usize::from(pending.sending.step.0)];
        self.began(pending.sending.intended, begun);
        let replay = Http::learn(&mut self.client, step, &pending.request, &fetched);
        let place = Http::<T>::place(&pending.request, &fetched);
        let hops = fetched.hops;
        let Exchange {
            asked,
            sent,
            done,
            result,
            ..
        } = fetched.exchange;
        let done = worker.offset_of(done);
        let timing = Timing {
            intended: pending.sending.intended,
            asked: worker.offset_of(asked),
            sent: worker.offset_of(sent),
            done,
        };
        match result {
            Err(failure) => {
                self.record_failure(&pending, timing, failure);
                let ending = if failure == Failure::Timeout {
                    JourneyEnding::TimedOut
                } else {
                    JourneyEnding::Failed
                };
                After {
                    done,
                    judging: Duration::ZERO,
                    response: None,
                    leave: (!step.go_on_after_error).then_some(ending),
                }
            }
            Ok(answer) => {
                let status = answer.status.as_u16();
                let (bytes, decoded_bytes) = (answer.wire_bytes, answer.body_bytes);
                let response = Response::new(status, answer.headers, answer.body, timing.service());
                let came = Came {
                    bytes,
                    decoded_bytes,
                    replay,
                    response: response.after(place, hops),
                };
                self.judge(step, &pending, timing, came)
            }
        }
    }

    /// The first step's lateness is the generator's own; the wait for a connection is reported apart.
    fn began(&mut self, intended: Duration, begun: Instant) {
        if !std::mem::replace(&mut self.begun, true) {
            let lag = self.worker.offset_of(begun).saturating_sub(intended);
            self.worker.recorder.borrow_mut().start_lag(self.phase, lag);
        }
    }

    fn judge(&mut self, step: &Step, pending: &Pending, timing: Timing, came: Came) -> After {
        let worker = self.worker.clone();
        let asks_paths = worker.plan.step(pending.sending.step).asks_paths;
        let judging = Judging::begin(asks_paths || is_long(&came.response));
        let Came {
            bytes,
            decoded_bytes,
            replay,
            mut response,
        } = came;
        let status = response.status;
        let concluded = step.conclude(
            pending.sending.step,
            &worker.world,
            &mut self.shopper,
            &mut response,
        );
        let failed = (!step.go_on_after_error).then_some(JourneyEnding::Failed);
        // The status itself is what one looks for.
        let by_status = match concluded {
            response::Ending::WrongStatus => format!("status_{status}"),
            _ => String::new(),
        };
        let (ending, leave) = match &concluded {
            response::Ending::Passed => (Ending::Ok, None),
            response::Ending::Outcome(outcome) => (
                Ending::Outcome(&outcome.name),
                outcome.leave.then_some(JourneyEnding::Completed),
            ),
            response::Ending::Failed(name) => (Ending::Failed(name), failed),
            response::Ending::WrongStatus => (Ending::Failed(&by_status), failed),
        };
        let sample = StepSample {
            status,
            bytes,
            decoded_bytes,
            replay,
            ..self.sample(pending.sending, timing, ending)
        };
        worker.recorder.borrow_mut().step(&sample);
        self.tell_answered(pending, &sample, response.is_page());
        match ending {
            Ending::Ok => self.keep_business(step, &sample, &response),
            Ending::Failed(name) => self.keep_example(pending, &sample, name, Ok(&response)),
            _ => {}
        }
        After {
            done: timing.done,
            judging: judging.took(),
            response: Some(response),
            leave,
        }
    }

    fn record_failure(&mut self, pending: &Pending, timing: Timing, failure: Failure) {
        let ending = if failure == Failure::Timeout {
            Ending::TimedOut
        } else {
            Ending::Failed(failure.name())
        };
        let sample = self.sample(pending.sending, timing, ending);
        self.worker.recorder.borrow_mut().step(&sample);
        self.tell_answered(pending, &sample, false);
        self.keep_example(pending, &sample, failure.name(), Err(failure));
    }

    /// A step's sample, as far as it is the same with and without an answer.
    fn sample<'e>(&self, of: Sending, timing: Timing, ending: Ending<'e>) -> StepSample<'e> {
        StepSample {
            figure: self.worker.world.scenario().steps[usize::from(of.step.0)].figure,
            phase: self.worker.phases.at(timing.intended),
            timing,
            ending,
            status: 0,
            bytes: 0,
            decoded_bytes: 0,
            trace_id: of.trace_id,
            shopper: self.shopper.index(),
            replay: Replay::Unkeyed,
        }
    }

    fn keep_business(&mut self, step: &Step, sample: &StepSample<'_>, response: &Response) {
        // What was made for someone else is no business of this run.
        let made = sample.replay != Replay::Unforeseen;
        for counter in step.counts.iter().filter(|_| made) {
            let mut recorder = self.worker.recorder.borrow_mut();
            recorder.count(sample.phase, *counter);
        }
        if let Some(promise) = &step.promise {
            let line = examples::promise_line(
                promise,
                &self.worker.world,
                &mut self.shopper,
                response,
                sample.timing.done,
                sample.trace_id,
            );
            self.worker.recorder.borrow_mut().promise(line);
        }
    }

    fn keep_example(
        &mut self,
        pending: &Pending,
        sample: &StepSample<'_>,
        error: &str,
        result: Result<&Response, Failure>,
    ) {
        let worker = self.worker.clone();
        let mut recorder = worker.recorder.borrow_mut();
        if recorder.wants_example(sample.figure, error) {
            let world = &worker.world;
            let mut redactor = examples::redactor_of(world, &self.shopper);
            let exchange = Http::<T>::evidence(&pending.request, result, &mut redactor);
            let step = &world.scenario().steps[usize::from(pending.sending.step.0)];
            let why = match result {
                Ok(response) => {
                    let why = step.why(world, &mut self.shopper, response);
                    why.map(|why| examples::why(&why, &redactor))
                }
                Err(failure) => failure.why().map(Shown::from),
            };
            recorder.example(Sample {
                why,
                exchange: Some(Box::new(exchange)),
                ..Sample::of(sample, "failed")
            });
        }
    }
}

impl<T: Transport> Drop for JourneyRun<T> {
    fn drop(&mut self) {
        self.tell(What::Left);
        self.worker.shopper_left();
        let response = self
            .worker
            .offset()
            .saturating_sub(self.arrival)
            .saturating_sub(self.not_waited);
        let journey = u16::try_from(self.shopper.journey()).unwrap_or(u16::MAX);
        self.worker
            .recorder
            .borrow_mut()
            .journey(self.phase, journey, self.ending, response);
    }
}

/// A step under way; dropped before it is complete, it is recorded as in flight.
struct InFlightGuard<'r, T: Transport> {
    run: &'r JourneyRun<T>,
    sending: Sending,
    asked: Instant,
    complete: bool,
}

impl<'r, T: Transport> InFlightGuard<'r, T> {
    fn begin(run: &'r JourneyRun<T>, sending: Sending, asked: Instant) -> Self {
        run.worker.request_began();
        Self {
            run,
            sending,
            asked,
            complete: false,
        }
    }

    fn complete(mut self) {
        self.complete = true;
    }
}

impl<T: Transport> Drop for InFlightGuard<'_, T> {
    fn drop(&mut self) {
        let worker = &self.run.worker;
        worker.request_is_over();
        if self.complete {
            return;
        }
        let asked = worker.offset_of(self.asked);
        let timing = Timing {
            intended: self.sending.intended,
            asked,
            sent: asked,
            done: worker.offset(),
        };
        let sample = self.run.sample(self.sending, timing, Ending::InFlight);
        worker.recorder.borrow_mut().step(&sample);
    }
}
