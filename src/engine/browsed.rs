//! What a journey run tells of its shopper's browser.

use std::time::Duration;

use super::browsing::record;
use super::journey_run::{JourneyRun, Pending};
use crate::measure::{Ending, StepSample};
use crate::protocol::http::Http;
use crate::protocol::http::browser::USER_AGENT_HONEST;
use crate::rum::record::{Answered, What};
use crate::rum::visitor::Visitor;
use crate::transport::Transport;

impl<T: Transport> JourneyRun<T> {
    /// The shopper opens its browser.
    pub(super) fn tell_arrival(&mut self, at: Duration) {
        let worker = self.worker.clone();
        let (Some(tap), Some(session)) = (&worker.rum, Http::<T>::session(&self.client)) else {
            return;
        };
        self.browsing.is_told = session.is_sampled() && tap.takes_session();
        if self.browsing.is_told {
            let client = self.shopper.client(&worker.world);
            let visitor = Visitor {
                session: session.id(),
                user_agent: match tap.names_browsers {
                    true => client.user_agent,
                    false => USER_AGENT_HONEST,
                },
                client,
                persona: self.shopper.persona_index(),
            };
            let what = What::Arrived(Box::new(visitor));
            tap.tell(record(self.shopper.index(), at, what));
        }
    }

    /// Something happened now.
    pub(super) fn tell(&self, what: What) {
        if let Some(tap) = self.worker.rum.as_ref().filter(|_| self.browsing.is_told) {
            tap.tell(record(self.shopper.index(), self.worker.offset(), what));
        }
    }

    /// A request is to be sent: with another session, if the one that there is was too old.
    pub(super) fn keep_session(&mut self, now: Duration) {
        if !self.browsing.clock.is_over_at(now) {
            return;
        }
        self.browsing.renewals += 1;
        let id = self
            .shopper
            .session_after(&self.worker.world, self.browsing.renewals);
        self.worker.http.renew(&mut self.client, id);
        let was_told = self.browsing.is_told;
        let is_sampled = Http::<T>::session(&self.client).is_some_and(|next| next.is_sampled());
        match (was_told, is_sampled) {
            (true, true) => self.tell(What::Renewed(id)),
            (true, false) => {
                self.tell(What::Left);
                self.browsing.is_told = false;
            }
            (false, true) => self.tell_arrival(now),
            (false, false) => {}
        }
    }

    /// A request came to its end.
    pub(super) fn tell_answered(
        &self,
        pending: &Pending,
        sample: &StepSample<'_>,
        is_document: bool,
    ) {
        let tap = self.worker.rum.as_ref().filter(|_| self.browsing.is_told);
        // What could not be made was never asked for.
        let (Some(tap), Some(sent)) = (tap, Http::<T>::sent(&pending.request)) else {
            return;
        };
        let answered = Answered {
            step: pending.sending.step.0,
            asked: sample.timing.asked,
            sent: sample.timing.sent,
            method: sent.method.clone(),
            origin: tap.origin_of(sent),
            path: sent.path.clone(),
            status: sample.status,
            wire_bytes: sample.bytes,
            decoded_bytes: sample.decoded_bytes,
            is_document,
            ids: pending.request.traced.sampled,
            error: match sample.ending {
                Ending::Failed(name) => Some(name.into()),
                Ending::TimedOut => Some("timeout".into()),
                _ => None,
            },
        };
        let what = What::Answered(Box::new(answered));
        tap.tell(record(self.shopper.index(), sample.timing.done, what));
    }
}
