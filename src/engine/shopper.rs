//! One shopper: walks its journey, sends what it says, and records what happened.

use std::rc::Rc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use http::HeaderMap;
use http::header::HOST;

use super::Stop;
use super::browser::{BrowserState, Fetched, Route};
use super::examples;
use super::floor::Floor;
use super::idempotency::SentKeys;
use crate::journey::{Action, Cursor};
use crate::measure::{Ending, JourneyEnding, PhaseId, Replay, StepSample, Timing};
use crate::response::{self, Response};
use crate::scenario::{Step, StepId};
use crate::shopper::Shopper;
use crate::template::{Slot, Value};
use crate::transport::{Answer, Exchange, Failure, Outgoing, Reading, Transport};

/// Room for the headers of a usual request: growing is dearer than a little spare room.
const HEADERS_USUAL: usize = 20;

/// One shopper's whole visit, from its arrival at the offset `arrival`; `None` if it cannot arrive, which is recorded.
pub(super) fn visit<T: Transport>(
    floor: &Rc<Floor<T>>,
    index: u64,
    arrival: Duration,
) -> Option<impl Future<Output = ()> + 'static> {
    match Shopper::arrive(&floor.world, index) {
        // Boxed here: the compiler would keep a copy of the visit at each level of the journey's future, and the runtime would
        // copy that about.
        Ok(shopper) => Some(Box::pin(
            Box::new(Visit::begin(floor.clone(), shopper, arrival)).walk(),
        )),
        Err(_) => {
            let mut recorder = floor.recorder.borrow_mut();
            recorder.dropped(arrival, "feeder_exhausted");
            None
        }
    }
}

/// A visit; dropping it records how it ended.
pub(super) struct Visit<T: Transport> {
    floor: Rc<Floor<T>>,
    shopper: Shopper,
    session: T::Session,
    browser: BrowserState,
    keys: SentKeys,
    arrival: Duration,
    phase: PhaseId,
    /// Think times so far.
    thought: Duration,
    /// Whether the first step has been sent.
    begun: bool,
    /// Places of the funnel that the shopper has come to, one bit each.
    reached: u64,
    ending: JourneyEnding,
}

/// What is known of a step before it is sent, and stands in its sample.
#[derive(Clone, Copy)]
struct Sending {
    step: StepId,
    intended: Duration,
    trace_id: u64,
}

/// A request on its way, with what is needed to make sense of its answer.
struct Pending {
    sending: Sending,
    /// Its idempotency key in short, if it has one.
    key: Option<u64>,
    outgoing: Result<Outgoing, Failure>,
}

/// A request that came to its end.
struct Exchanged {
    /// When the step began, a preflight before it included.
    asked: Instant,
    fetched: Fetched,
}

/// How a step left the shopper.
struct After {
    done: Duration,
    response: Option<Response>,
    /// `Some` when the journey ends here.
    leave: Option<JourneyEnding>,
}

impl<T: Transport> Visit<T> {
    /// Begins one at the offset `arrival`.
    pub(super) fn begin(floor: Rc<Floor<T>>, shopper: Shopper, arrival: Duration) -> Self {
        floor.shopper_came();
        let session = floor.transport.session();
        let browser = floor.browser.open(&floor.world, &shopper);
        let phase = floor.phases.at(arrival);
        let ending = JourneyEnding::InFlight;
        Self {
            floor,
            shopper,
            session,
            browser,
            keys: SentKeys::default(),
            arrival,
            phase,
            thought: Duration::ZERO,
            begun: false,
            reached: 0,
            ending,
        }
    }

    async fn walk(mut self: Box<Self>) {
        let world = self.floor.world.clone();
        let journey = &world.scenario().journeys[self.shopper.journey()];
        let late = self.floor.offset().saturating_sub(self.arrival);
        self.floor.recorder.borrow_mut().started(self.arrival, late);
        let mut cursor = Cursor::new(&journey.program);
        let mut last: Option<Response> = None;
        // Intended time of the next step: the predecessor's end plus think time.
        let mut due = self.arrival;
        loop {
            let after =
                match cursor.next(&journey.program, &world, &mut self.shopper, last.as_ref()) {
                    // A value that was made and never sent: nothing else tells of it.
                    Action::Done | Action::Left if self.shopper.take_too_large() => {
                        return self.ending = JourneyEnding::Failed;
                    }
                    Action::Done | Action::Left => return self.ending = JourneyEnding::Completed,
                    Action::Stuck => return self.ending = JourneyEnding::Failed,
                    Action::Think(time) => {
                        if !cursor.needs_response(&journey.program) {
                            last = None;
                        }
                        due += time;
                        self.floor.sleep_or_stop(due).await;
                        self.thought += time;
                        continue;
                    }
                    _ if self.floor.stop_level() != Stop::No => return,
                    Action::Send(step) => self.send(step, due).await,
                    // Boxed: most steps come alone, and thousands of shoppers wait.
                    Action::Together(steps) => Box::pin(self.send_together(steps, due)).await,
                };
            due = after.done;
            last = after.response;
            if let Some(ending) = after.leave {
                return self.ending = ending;
            }
        }
    }

    /// Sends one step now, on no journey's behalf. Whether a shopper would go on after it.
    pub(super) async fn send_alone(&mut self, step: StepId) -> bool {
        self.send(step, self.floor.offset()).await.leave.is_none()
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
            response: None,
            leave: None,
        };
        for (pending, exchange) in pending.into_iter().zip(exchanges) {
            let one = self.conclude(pending, exchange);
            all.done = all.done.max(one.done);
            all.response = one.response;
            all.leave = all.leave.or(one.leave);
        }
        all
    }

    fn prepare(&mut self, step: StepId, intended: Duration) -> Pending {
        let floor = self.floor.clone();
        self.come_to(step);
        let mut headers = HeaderMap::with_capacity(HEADERS_USUAL);
        let (browser, shopper) = (&mut self.browser, &mut self.shopper);
        let trace_id = floor.browser.add_headers(browser, shopper, &mut headers);
        let outgoing = self.outgoing(step, headers);
        let sent = outgoing.as_ref().ok();
        Pending {
            sending: Sending {
                step,
                intended,
                trace_id,
            },
            key: sent.and_then(|outgoing| self.keys.note(&outgoing.headers)),
            outgoing,
        }
    }

    /// Counts the shopper in the funnel, at each place once. Places beyond the 64th are not counted.
    fn come_to(&mut self, step: StepId) {
        let floor = self.floor.clone();
        let scenario = floor.world.scenario();
        let figure = scenario.steps[usize::from(step.0)].figure;
        let journey = self.shopper.journey();
        let mut funnel = scenario.journeys[journey].funnel.iter().take(64);
        let Some(place) = funnel.position(|at| *at == figure) else {
            return;
        };
        if self.reached & (1 << place) == 0 {
            self.reached |= 1 << place;
            let journey = u16::try_from(journey).unwrap_or(u16::MAX);
            floor.recorder.borrow_mut().reached(journey, place as u8);
        }
    }

    /// The request, unless a value outgrew its bound since the step before.
    fn outgoing(&mut self, id: StepId, headers: HeaderMap) -> Result<Outgoing, Failure> {
        let made = self.render(id, headers);
        match self.shopper.take_too_large() {
            true => Err(Failure::ValueTooLarge),
            false => made,
        }
    }

    fn render(&mut self, id: StepId, mut headers: HeaderMap) -> Result<Outgoing, Failure> {
        let floor = self.floor.clone();
        let (world, shopper) = (&floor.world, &mut self.shopper);
        let prepared = floor.plan.step(id);
        prepared.add_headers(world, shopper, &mut headers)?;
        let (origin, path) = prepared.url(world, shopper, floor.plan.target())?;
        headers.insert(HOST, origin.authority.clone());
        floor
            .browser
            .add_cookies(&self.browser, &origin, &mut headers);
        Ok(Outgoing {
            origin,
            method: world.scenario().steps[usize::from(id.0)].method.clone(),
            path,
            headers,
            body: prepared.body(world, shopper),
        })
    }

    async fn exchange(&self, pending: &Pending) -> Exchanged {
        let asked = Instant::now();
        let in_flight = InFlightGuard::begin(self, pending.sending, asked);
        let fetched = match &pending.outgoing {
            Ok(outgoing) => self.fetch(pending.sending.step, outgoing, asked).await,
            Err(failure) => Exchange::failed(asked, *failure).into(),
        };
        in_flight.complete();
        Exchanged { asked, fetched }
    }

    async fn fetch(&self, step: StepId, outgoing: &Outgoing, asked: Instant) -> Fetched {
        let prepared = self.floor.plan.step(step);
        let http = &self.floor.world.scenario().http;
        let redirected = self.floor.redirected(step);
        let reading = Reading {
            deadline: asked + prepared.timeout,
            body_bytes_max: http.body_bytes_max,
            keep_bytes: prepared.keep_bytes,
            keep_error_bytes: prepared.keep_error_bytes,
            may_wait: !prepared.followed_at_once && !redirected.get(),
        };
        let route = Route {
            transport: &self.floor.transport,
            session: &self.session,
            redirects_max: http.redirects_max,
        };
        let (setup, state) = (&self.floor.browser, &self.browser);
        let fetched = route.fetch(setup, state, outgoing, reading).await;
        redirected.set(!fetched.hops.is_empty());
        fetched
    }

    fn conclude(&mut self, pending: Pending, exchanged: Exchanged) -> After {
        let Exchanged {
            asked: begun,
            fetched,
        } = exchanged;
        let Fetched { exchange, hops, .. } = &fetched;
        let floor = self.floor.clone();
        let step = &floor.world.scenario().steps[usize::from(pending.sending.step.0)];
        self.began(pending.sending.intended, begun);
        for hop in hops {
            self.browser.remember_cookies(&hop.origin, &hop.headers);
        }
        if let Ok(outgoing) = &pending.outgoing {
            if let Ok(answer) = &exchange.result {
                let origin = fetched.moved_to.as_ref().unwrap_or(&outgoing.origin);
                self.browser.remember_cookies(origin, &answer.headers);
            }
        }
        let done = floor.offset_of(exchange.done);
        let Exchange {
            asked,
            sent,
            result,
            resent,
            ..
        } = fetched.exchange;
        let timing = Timing {
            intended: pending.sending.intended,
            asked: floor.offset_of(asked),
            sent: floor.offset_of(sent),
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
                    response: None,
                    leave: (!step.go_on_after_error).then_some(ending),
                }
            }
            Ok(answer) => {
                let replay = self.keys.judge(pending.key, resent, step, &answer.headers);
                self.judge(step, &pending, timing, answer, replay)
            }
        }
    }

    /// The first step's lateness is the generator's own; the wait for a connection is reported apart.
    fn began(&mut self, intended: Duration, begun: Instant) {
        if !std::mem::replace(&mut self.begun, true) {
            let lag = self.floor.offset_of(begun).saturating_sub(intended);
            self.floor.recorder.borrow_mut().start_lag(self.phase, lag);
        }
    }

    fn judge(
        &mut self,
        step: &Step,
        pending: &Pending,
        timing: Timing,
        answer: Answer,
        replay: Replay,
    ) -> After {
        let floor = self.floor.clone();
        let (status, bytes) = (answer.status.as_u16(), answer.body_bytes);
        let mut response = Response::new(status, answer.headers, answer.body, timing.service());
        let concluded = step.conclude(
            pending.sending.step,
            &floor.world,
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
            replay,
            ..self.sample(pending.sending, timing, ending)
        };
        floor.recorder.borrow_mut().step(&sample);
        match ending {
            Ending::Ok => self.keep_business(step, &sample, &response),
            Ending::Failed(name) => self.keep_example(pending, &sample, name, Ok(&response)),
            _ => {}
        }
        After {
            done: timing.done,
            response: Some(response),
            leave,
        }
    }

    fn record_failure(&self, pending: &Pending, timing: Timing, failure: Failure) {
        let ending = if failure == Failure::Timeout {
            Ending::TimedOut
        } else {
            Ending::Failed(failure.name())
        };
        let sample = self.sample(pending.sending, timing, ending);
        self.floor.recorder.borrow_mut().step(&sample);
        self.keep_example(pending, &sample, failure.name(), Err(failure));
    }

    /// A step's sample, as far as it is the same with and without an answer.
    fn sample<'e>(&self, of: Sending, timing: Timing, ending: Ending<'e>) -> StepSample<'e> {
        StepSample {
            figure: self.floor.world.scenario().steps[usize::from(of.step.0)].figure,
            phase: self.floor.phases.at(timing.intended),
            timing,
            ending,
            status: 0,
            bytes: 0,
            trace_id: of.trace_id,
            shopper: self.shopper.index(),
            replay: Replay::Unkeyed,
        }
    }

    fn keep_business(&mut self, step: &Step, sample: &StepSample<'_>, response: &Response) {
        // What was made for someone else is no business of this run.
        let made = sample.replay != Replay::Unforeseen;
        for counter in step.counts.iter().filter(|_| made) {
            let mut recorder = self.floor.recorder.borrow_mut();
            recorder.count(sample.phase, *counter);
        }
        if let Some(promise) = &step.promise {
            let line = examples::promise_line(
                promise,
                &self.floor.world,
                &mut self.shopper,
                response,
                sample.timing.done,
                sample.trace_id,
            );
            self.floor.recorder.borrow_mut().promise(line);
        }
    }

    fn keep_example(
        &self,
        pending: &Pending,
        sample: &StepSample<'_>,
        error: &str,
        result: Result<&Response, Failure>,
    ) {
        let mut recorder = self.floor.recorder.borrow_mut();
        if recorder.wants_example(sample.figure, error) {
            let outgoing = pending.outgoing.as_ref().ok();
            let who = (&*self.floor.world, &self.shopper);
            recorder.example(examples::example(sample, outgoing, result, who));
        }
    }
}

impl<T: Transport> Drop for Visit<T> {
    fn drop(&mut self) {
        self.floor.shopper_left();
        let response = self
            .floor
            .offset()
            .saturating_sub(self.arrival)
            .saturating_sub(self.thought);
        let journey = u16::try_from(self.shopper.journey()).unwrap_or(u16::MAX);
        self.floor
            .recorder
            .borrow_mut()
            .journey(self.phase, journey, self.ending, response);
    }
}

/// A step under way; dropped before it is complete, it is recorded as in flight.
struct InFlightGuard<'r, T: Transport> {
    run: &'r Visit<T>,
    sending: Sending,
    asked: Instant,
    complete: bool,
}

impl<'r, T: Transport> InFlightGuard<'r, T> {
    fn begin(run: &'r Visit<T>, sending: Sending, asked: Instant) -> Self {
        run.floor.request_began();
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
        let floor = &self.run.floor;
        floor.request_is_over();
        if self.complete {
            return;
        }
        let asked = floor.offset_of(self.asked);
        let timing = Timing {
            intended: self.sending.intended,
            asked,
            sent: asked,
            done: floor.offset(),
        };
        let sample = self.run.sample(self.sending, timing, Ending::InFlight);
        floor.recorder.borrow_mut().step(&sample);
    }
}
