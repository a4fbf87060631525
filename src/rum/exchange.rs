//! Requests: the resources that a browser's page asked for, and the errors that it met.

use super::event::{
    ErrorEvent, ErrorPart, FailedResource, Internal, OfAction, ResourceEvent, ResourcePart, Span,
};
use super::record::Answered;
use super::scene::{Scene, nanos};
use super::session::{Outbox, Session, push, session_part};
use super::visitor::draw_uuid;

/// The download's share of an answer's time: so much in any case, and more for each mebibyte, up to half of it. Only the end of
/// an answer is measured.
const DOWNLOAD_SHARE_MIN: f64 = 0.05;
const DOWNLOAD_SHARE_A_MIB: f64 = 0.25;
const DOWNLOAD_SHARE_MAX: f64 = 0.5;

/// Methods that events may name.
const METHODS: [&str; 9] = [
    "POST", "GET", "HEAD", "PUT", "DELETE", "PATCH", "TRACE", "OPTIONS", "CONNECT",
];

/// From when an answer is an error whatever the scenario makes of it.
const SERVER_ERROR: u16 = 500;

/// When what of a request happened, nanoseconds since it was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Parts {
    wait: u64,
    first_byte: u64,
    all: u64,
}

impl Parts {
    fn of(answered: &Answered, done: u64) -> Self {
        let asked = nanos(answered.asked);
        let all = done.saturating_sub(asked);
        let wait = nanos(answered.sent).saturating_sub(asked).min(all);
        let mebibytes = answered.wire_bytes as f64 / (1 << 20) as f64;
        let share = DOWNLOAD_SHARE_MIN + DOWNLOAD_SHARE_A_MIB * mebibytes;
        let download = (all - wait) as f64 * share.min(DOWNLOAD_SHARE_MAX);
        Self {
            wait,
            first_byte: all - download as u64,
            all,
        }
    }
}

impl Session {
    /// A request came to its end at `done`, in the view that is there.
    pub(super) fn answered(
        &mut self,
        scene: &Scene,
        answered: &Answered,
        url: &str,
        done: u64,
        out: &mut Outbox,
    ) {
        let parts = Parts::of(answered, done);
        let asked = nanos(answered.asked);
        let Some(view) = &mut self.view else { return };
        view.burst.requests += 1;
        if view.burst.requests == 1 {
            (view.burst.first_byte, view.burst.first) = (asked + parts.first_byte, done);
        }
        view.burst.last = view.burst.last.max(done);
        view.changed(done);
        self.tell_resource(scene, answered, url, parts, out);
        if answered.error.is_some() || answered.status >= SERVER_ERROR {
            self.tell_error(scene, answered, url, done, out);
        }
    }

    fn tell_resource(
        &mut self,
        scene: &Scene,
        answered: &Answered,
        url: &str,
        parts: Parts,
        out: &mut Outbox,
    ) {
        let id = draw_uuid(&mut self.rng);
        let Some(view) = &mut self.view else { return };
        view.counts.resources += 1;
        out.counts.resources += 1;
        if let Some(click) = &mut self.click {
            click.resources += 1;
        }
        let is_document = answered.is_document;
        let ids = answered.ids.map(|ids| (ids.trace_id, ids.span_id));
        let event = ResourceEvent {
            kind: "resource",
            date: scene.date(nanos(answered.asked)),
            session: session_part(self.id),
            view: view.place(),
            action: self.click.as_ref().map(|click| OfAction { id: click.id }),
            resource: ResourcePart {
                id,
                kind: if is_document { "document" } else { "fetch" },
                method: method(answered),
                url,
                status_code: Some(answered.status).filter(|status| *status > 0),
                duration: parts.all,
                size: answered.decoded_bytes,
                transfer_size: answered.wire_bytes,
                decoded_body_size: answered.decoded_bytes,
                connect: (parts.wait > 0).then_some(Span {
                    start: 0,
                    duration: parts.wait,
                }),
                first_byte: Span {
                    start: parts.wait,
                    duration: parts.first_byte - parts.wait,
                },
                download: Span {
                    start: parts.first_byte,
                    duration: parts.all - parts.first_byte,
                },
            },
            dd: Internal::new(scene.configuration()).traced(ids).kept(),
        };
        push(
            &mut self.batch,
            nanos(answered.asked),
            &event,
            &self.tail,
            out,
        );
    }

    fn tell_error(
        &mut self,
        scene: &Scene,
        answered: &Answered,
        url: &str,
        done: u64,
        out: &mut Outbox,
    ) {
        let id = draw_uuid(&mut self.rng);
        let Some(view) = &mut self.view else { return };
        view.counts.errors += 1;
        out.counts.errors += 1;
        if let Some(click) = &mut self.click {
            click.errors += 1;
        }
        let name = answered.error.as_deref().unwrap_or("server error");
        let request = [answered.method.as_str(), " ", url].concat();
        let is_network = answered.status == 0 || answered.status >= SERVER_ERROR;
        let message = match answered.status {
            0 => format!("Fetch error {request}: {name}"),
            SERVER_ERROR.. => format!("Fetch error {request}: status {}", answered.status),
            _ => format!("{request} was answered, but not as the page needs it: {name}"),
        };
        let event = ErrorEvent {
            kind: "error",
            date: scene.date(done),
            session: session_part(self.id),
            view: view.place(),
            action: self.click.as_ref().map(|click| OfAction { id: click.id }),
            error: ErrorPart {
                id,
                message: &message,
                source: if is_network { "network" } else { "console" },
                kind: name,
                handling: "handled",
                source_type: "browser",
                resource: method(answered)
                    .filter(|_| is_network)
                    .map(|method| FailedResource {
                        method,
                        status_code: answered.status,
                        url,
                    }),
            },
            dd: Internal::new(scene.configuration()),
        };
        push(&mut self.batch, done, &event, &self.tail, out);
    }
}

fn method(answered: &Answered) -> Option<&str> {
    let method = answered.method.as_str();
    METHODS.contains(&method).then_some(method)
}
