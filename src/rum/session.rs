//! One browser session: from what a shopper did to the events that its browser would send.
//!
//! Times in here are nanoseconds since the run began. Nothing depends on when someone looks: [`Session::look`] does what
//! was due, in the order in which it was due.

use std::time::Duration;

use serde::Serialize;
use uuid::Uuid;

use super::batch::{Batch, Payload};
use super::clicks::{Click, Frustration};
use super::event::{
    self, Internal, LongTaskEvent, LongTaskPart, OfAction, Privacy, SessionPart, ViewEvent,
};
use super::record::{Answered, Record, What};
use super::scene::{Scene, nanos};
use super::view::{Burst, Counted, Loaded, Page, View};
use super::visitor::{Connection, Visitor, draw_uuid, tail};
use super::vitals::Vitals;
use crate::rng::ShopperRng;

/// How long a view goes on being told about while nothing happens in it: the SDK tells of it every five minutes.
const KEEP_ALIVE: u64 = 300_000_000_000;

/// Names the stream of a session's random numbers.
const STREAM: &str = "rum";

/// What comes out of sessions.
#[derive(Debug, Default)]
pub struct Outbox {
    /// Batches that are ready to be sent.
    pub payloads: Vec<Payload>,
    /// What was told so far.
    pub counts: Counts,
}

/// What all sessions told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Sessions.
    pub sessions: u64,
    /// Views, each counted once.
    pub views: u64,
    /// Actions.
    pub actions: u64,
    /// Resources.
    pub resources: u64,
    /// Errors.
    pub errors: u64,
    /// Long tasks.
    pub long_tasks: u64,
    /// Frustrations of all actions.
    pub frustrations: u64,
}

/// One browser session.
#[derive(Debug)]
pub struct Session {
    pub(super) id: Uuid,
    visitor: Box<Visitor>,
    connection: Connection,
    /// The same in all sessions of this shopper.
    anonymous: Uuid,
    pub(super) tail: Vec<u8>,
    pub(super) vitals: Vitals,
    pub(super) rng: ShopperRng,
    pub(super) view: Option<View>,
    /// The click that what follows comes of.
    pub(super) click: Option<Click>,
    /// Whether the next request begins with a click.
    rests: bool,
    /// Whether nothing is under way.
    is_idle: bool,
    pub(super) batch: Batch,
    /// The newest time that it knows of.
    now: u64,
}

impl Session {
    /// Of a shopper that opens its browser.
    pub fn open(scene: &Scene, record: &Record, visitor: &Visitor, out: &mut Outbox) -> Self {
        out.counts.sessions += 1;
        let mut rng = ShopperRng::of_run(scene.seed, scene.run, STREAM, record.shopper);
        let connection = Connection::draw(visitor.client.device, &mut rng);
        let anonymous = draw_uuid(&mut rng);
        let mut session = Self {
            id: visitor.session,
            connection,
            anonymous,
            tail: Vec::new(),
            vitals: Vitals::of(visitor.client.device),
            rng,
            view: None,
            click: None,
            rests: false,
            is_idle: false,
            batch: Batch::of(visitor.user_agent),
            now: nanos(record.at),
            visitor: Box::new(visitor.clone()),
        };
        session.tail = session.make_tail(scene);
        session
    }

    fn make_tail(&self, scene: &Scene) -> Vec<u8> {
        let persona = scene.persona(self.visitor.persona);
        tail(
            &self.visitor,
            &scene.application,
            persona,
            self.connection,
            self.anonymous,
        )
    }

    /// Bytes of events that wait for their batch to be full.
    pub fn waiting_bytes(&self) -> usize {
        self.batch.bytes()
    }

    /// When it was last heard of, since the run began.
    pub fn heard_of(&self) -> Duration {
        Duration::from_nanos(self.now)
    }

    /// Does what is due until `now`, if nothing is under way of which it has not been told.
    pub fn look(&mut self, scene: &Scene, now: Duration, out: &mut Outbox) {
        if self.is_idle {
            self.advance(scene, nanos(now), out);
        }
    }

    /// Something happened. Whether the session goes on.
    pub fn on(&mut self, scene: &Scene, record: &Record, out: &mut Outbox) -> bool {
        let at = nanos(record.at).max(self.now);
        match &record.what {
            What::Arrived(_) => {}
            What::Answered(answered) => {
                let url = scene.url(answered);
                self.prepare(scene, answered, &url, out);
                self.advance(scene, at, out);
                self.now = at;
                self.answered(scene, answered, &url, at, out);
            }
            What::Rests => {
                self.advance(scene, at, out);
                self.now = at;
                self.settle(scene, at, out);
                (self.rests, self.is_idle) = (true, true);
            }
            What::Wakes => {
                self.advance(scene, at, out);
                (self.now, self.is_idle) = (at, false);
            }
            What::Renewed(id) => {
                self.advance(scene, at, out);
                self.now = at;
                self.renew(scene, *id, out);
            }
            What::Left => {
                self.leave(scene, record.at, out);
                return false;
            }
        }
        true
    }

    /// The shopper closes the page, as soon as it has seen what it waited for.
    pub fn leave(&mut self, scene: &Scene, at: Duration, out: &mut Outbox) {
        let at = nanos(at).max(self.now);
        self.advance(scene, at, out);
        self.settle(scene, at, out);
        let seen = self.view.as_ref().and_then(|view| {
            let loaded = view.loaded.as_ref()?;
            let painted = loaded
                .page
                .map_or(0, |page| page.largest_contentful_paint.max(page.load_event));
            Some(view.began + loaded.loading_time.max(painted))
        });
        let end = at.max(seen.unwrap_or(0));
        self.advance(scene, end, out);
        self.end_view(scene, end, true, out);
        self.batch.flush(true, &mut out.payloads);
    }

    /// Sends what waits, full or not.
    pub fn flush(&mut self, out: &mut Outbox) {
        self.batch.flush(false, &mut out.payloads);
    }

    /// Does what is due until `now`.
    fn advance(&mut self, scene: &Scene, now: u64, out: &mut Outbox) {
        loop {
            let update = self.view.as_ref().and_then(|view| view.update_due);
            let flush = self.batch.due().map(nanos);
            match (update, flush) {
                (Some(due), flush) if due <= now && flush.is_none_or(|flush| due <= flush) => {
                    self.tell_view(scene, due, true, None, out);
                }
                (_, Some(due)) if due <= now => self.batch.flush(false, &mut out.payloads),
                _ => return,
            }
        }
    }

    /// What comes before an answer: the click, and the view that it is shown in.
    fn prepare(&mut self, scene: &Scene, answered: &Answered, url: &str, out: &mut Outbox) {
        let asked = nanos(answered.asked).max(self.now);
        let rests = std::mem::take(&mut self.rests);
        let Some(view) = &self.view else {
            let page = scene.page(answered, url);
            return self.begin_view(scene, page, "initial_load", asked, out);
        };
        if !rests {
            return;
        }
        let page = scene.page(answered, url);
        let began = view.began;
        let navigates = answered.method == http::Method::GET && page.url != view.page.url;
        let delay = self.vitals.input_delay(&mut self.rng);
        let at = asked.saturating_sub(delay).max(began);
        self.advance(scene, at, out);
        self.now = self.now.max(at);
        self.click_at(scene.button(answered), at);
        if navigates {
            self.end_click(scene, None, None, out);
            self.advance(scene, asked, out);
            self.begin_view(scene, page, "route_change", asked, out);
        } else if let Some(view) = &mut self.view {
            view.burst = Burst {
                began: asked,
                ..Burst::default()
            };
        }
    }

    /// Ends the view that is there, and begins another.
    fn begin_view(
        &mut self,
        scene: &Scene,
        page: Page,
        loading_type: &'static str,
        at: u64,
        out: &mut Outbox,
    ) {
        let referrer = self.view.as_ref().map(|view| view.page.url.clone());
        self.end_view(scene, at, true, out);
        out.counts.views += 1;
        self.view = Some(View {
            id: draw_uuid(&mut self.rng),
            page,
            referrer: referrer.unwrap_or_default(),
            loading_type,
            began: at,
            burst: Burst {
                began: at,
                ..Burst::default()
            },
            loaded: None,
            interaction: None,
            counts: Counted::default(),
            version: 0,
            update_due: None,
        });
        self.tell_view(scene, at, true, None, out);
    }

    /// What was under way comes to nothing: everything that was waited for is settled by now.
    fn settle(&mut self, scene: &Scene, at: u64, out: &mut Outbox) {
        let Some(view) = &mut self.view else { return };
        let (burst, began) = (view.burst, view.began);
        if burst.requests == 0 {
            return;
        }
        view.burst.requests = 0;
        let last = burst.last.saturating_sub(began);
        let rendering = self.vitals.rendering(&mut self.rng);
        if view.loaded.is_none() {
            let page = (view.loading_type == "initial_load").then(|| {
                let since = |time: u64| time.saturating_sub(began);
                let (byte, first) = (since(burst.first_byte), since(burst.first));
                self.vitals.page(&mut self.rng, byte, first, last)
            });
            view.loaded = Some(Loaded {
                loading_time: last + rendering,
                layout_shift: self.vitals.layout_shift(&mut self.rng, last),
                page,
            });
        }
        view.changed(at);
        let long_task = self.vitals.long_task(&mut self.rng);
        if let Some(duration) = long_task {
            self.tell_long_task(scene, burst.last, duration, out);
        }
        let frustration = Frustration::of(&mut self.rng, burst.last - burst.began.min(burst.last));
        if self.click.is_none() && frustration.is_some() {
            // The click that led here is told of already: this one is another.
            let at = burst.began + Frustration::AFTER;
            self.click_at("Retry", at);
        }
        self.end_click(scene, Some(burst.last + rendering), frustration, out);
    }

    /// The session was too old: its successor goes on in the same page.
    fn renew(&mut self, scene: &Scene, id: Uuid, out: &mut Outbox) {
        let at = self.now;
        self.settle(scene, at, out);
        let page = self.view.as_ref().map(|view| view.page.clone());
        self.end_view(scene, at, false, out);
        self.view = None;
        self.batch.flush(false, &mut out.payloads);
        out.counts.sessions += 1;
        self.id = id;
        self.tail = self.make_tail(scene);
        if let Some(page) = page {
            self.begin_view(scene, page, "session_renewal", at, out);
        }
    }

    fn end_view(&mut self, scene: &Scene, at: u64, session_goes_on: bool, out: &mut Outbox) {
        self.end_click(scene, None, None, out);
        if self.view.is_some() {
            let session = (!session_goes_on).then_some(false);
            self.tell_view(scene, at, false, session, out);
        }
    }

    /// Tells the view's state at a time.
    fn tell_view(
        &mut self,
        scene: &Scene,
        at: u64,
        is_active: bool,
        session: Option<bool>,
        out: &mut Outbox,
    ) {
        let Some(view) = &mut self.view else { return };
        view.version += 1;
        view.update_due = is_active.then_some(at + KEEP_ALIVE);
        let event = ViewEvent {
            kind: "view",
            date: scene.date(view.began),
            session: SessionPart {
                is_active: session.or(Some(true)),
                ..session_part(self.id)
            },
            view: view.state(at, is_active),
            privacy: Privacy {
                replay_level: "mask",
            },
            dd: Internal::new(scene.configuration()).version(view.version),
        };
        let (id, tail) = (view.id, &self.tail);
        self.batch.upsert(
            Duration::from_nanos(at),
            id,
            |line| event::write(&event, tail, line),
            &mut out.payloads,
        );
    }

    fn tell_long_task(&mut self, scene: &Scene, at: u64, duration: u64, out: &mut Outbox) {
        let id = draw_uuid(&mut self.rng);
        let Some(view) = &mut self.view else { return };
        view.counts.long_tasks += 1;
        out.counts.long_tasks += 1;
        if let Some(click) = &mut self.click {
            click.long_tasks += 1;
        }
        let action = self.click.as_ref().map(|click| OfAction { id: click.id });
        let Some(view) = &self.view else { return };
        let event = LongTaskEvent {
            kind: "long_task",
            date: scene.date(at),
            session: session_part(self.id),
            view: view.place(),
            action,
            long_task: LongTaskPart {
                id,
                duration,
                entry_type: "long-task",
            },
            dd: Internal::new(scene.configuration()).kept(),
        };
        push(&mut self.batch, at, &event, &self.tail, out);
    }
}

pub(super) fn session_part(id: Uuid) -> SessionPart {
    SessionPart {
        id,
        kind: "user",
        is_active: None,
    }
}

pub(super) fn push(
    batch: &mut Batch,
    at: u64,
    event: &impl Serialize,
    tail: &[u8],
    out: &mut Outbox,
) {
    let at = Duration::from_nanos(at);
    batch.add(
        at,
        |line| event::write(event, tail, line),
        &mut out.payloads,
    );
}
