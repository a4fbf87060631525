//! Fault points: the places in the shop where faults act, and the switch that all of them pass.
//!
//! The code at a place says `faults.at(Point::QueueSend, "payments").await?`. While nothing is armed anywhere in the process
//! that is one relaxed load and an answer at once. It must not know which faults there are.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

/// A kind of place where faults act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Point {
    /// A request has come in, at its route.
    HttpRequest,
    /// A call to another service is about to be sent, to the service.
    PeerCall,
    /// Records are about to be read, where PostgreSQL stands.
    StoreRead,
    /// Records are about to be written there.
    StoreWrite,
    /// Carts or payment intents are about to be read or written, where Redis stands.
    CacheCall,
    /// Messages are about to be sent, to the queue.
    QueueSend,
    /// Messages are about to be received, from the queue.
    QueueReceive,
    /// Messages are about to be deleted, from the queue.
    QueueDelete,
    /// The payment provider is asked, for what.
    PaymentCall,
    /// The mail provider is asked to send a mail.
    MailSend,
    /// A service makes what it needs before its first answer.
    Startup,
}

impl Point {
    /// Every kind of place.
    pub const ALL: [Point; 11] = [
        Point::HttpRequest,
        Point::PeerCall,
        Point::StoreRead,
        Point::StoreWrite,
        Point::CacheCall,
        Point::QueueSend,
        Point::QueueReceive,
        Point::QueueDelete,
        Point::PaymentCall,
        Point::MailSend,
        Point::Startup,
    ];
}

/// What a place has to do instead of its work. It says what a real failure would say, and nothing of faults.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Injected(pub String);

/// What an armed effect wants to happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Nothing.
    Pass,
    /// The work goes on later.
    Delay(Duration),
    /// The work fails.
    Fail(Injected),
}

/// Decides what happens at a place, each time work comes by. `what` names the place more closely, such as a route or a queue.
pub trait Effect: Send + Sync {
    /// What happens this time.
    fn decide(&self, point: Point, what: &str) -> Decision;
}

impl<F: Fn(Point, &str) -> Decision + Send + Sync> Effect for F {
    fn decide(&self, point: Point, what: &str) -> Decision {
        self(point, what)
    }
}

/// The switch of one process. Cheap to clone.
#[derive(Clone, Default)]
pub struct Faults(Arc<Switch>);

#[derive(Default)]
struct Switch {
    /// How many effects are armed; what an unarmed place looks at.
    armed: AtomicUsize,
    effects: RwLock<Effects>,
}

#[derive(Default)]
struct Effects {
    next_id: u64,
    armed: Vec<(u64, Point, Arc<dyn Effect>)>,
}

impl Faults {
    /// Passes a place: at once while nothing is armed; else after the delays, or with the failure, that the effects there
    /// decide on, in the order in which they were armed.
    pub async fn at(&self, point: Point, what: &str) -> Result<(), Injected> {
        if self.0.armed.load(Ordering::Relaxed) == 0 {
            return Ok(());
        }
        // Boxed, so that the futures of all places stay small.
        Box::pin(self.meet(point, what)).await
    }

    async fn meet(&self, point: Point, what: &str) -> Result<(), Injected> {
        for effect in self.effects_at(point) {
            match effect.decide(point, what) {
                Decision::Pass => {}
                Decision::Delay(time) => tokio::time::sleep(time).await,
                Decision::Fail(injected) => return Err(injected),
            }
        }
        Ok(())
    }

    fn effects_at(&self, point: Point) -> Vec<Arc<dyn Effect>> {
        let effects = self
            .0
            .effects
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        effects
            .armed
            .iter()
            .filter(|(_, place, _)| *place == point)
            .map(|(_, _, effect)| Arc::clone(effect))
            .collect()
    }

    /// Arms an effect at some places, until the handle is dropped.
    pub fn arm(&self, points: &[Point], effect: Arc<dyn Effect>) -> Armed {
        let id = {
            let mut effects = self
                .0
                .effects
                .write()
                .unwrap_or_else(PoisonError::into_inner);
            let id = effects.next_id;
            effects.next_id += 1;
            let places = points.iter().map(|point| (id, *point, Arc::clone(&effect)));
            effects.armed.extend(places);
            id
        };
        self.0.armed.fetch_add(1, Ordering::Relaxed);
        Armed {
            switch: Arc::clone(&self.0),
            id,
        }
    }
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let armed = self.0.armed.load(Ordering::Relaxed);
        write!(f, "Faults({armed} armed)")
    }
}

/// An armed effect; dropping the handle disarms it.
#[must_use = "the effect is disarmed when the handle is dropped"]
pub struct Armed {
    switch: Arc<Switch>,
    id: u64,
}

impl Drop for Armed {
    fn drop(&mut self) {
        let effects = &self.switch.effects;
        let mut effects = effects.write().unwrap_or_else(PoisonError::into_inner);
        effects.armed.retain(|(id, _, _)| *id != self.id);
        self.switch.armed.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    fn at_once(faults: &Faults, point: Point) -> Poll<Result<(), Injected>> {
        let mut passing = pin!(faults.at(point, "x"));
        passing
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn nothing_armed_is_passed_at_the_first_look() {
        let faults = Faults::default();
        for point in Point::ALL {
            assert_eq!(at_once(&faults, point), Poll::Ready(Ok(())));
        }
    }

    #[test]
    fn an_effect_acts_where_it_is_armed_and_as_long_as_its_handle_lives() {
        let faults = Faults::default();
        let refused = Injected("connection refused".to_owned());
        let decided = Decision::Fail(refused.clone());
        let armed = faults.arm(
            &[Point::MailSend],
            Arc::new(move |_: Point, _: &str| decided.clone()),
        );
        assert_eq!(at_once(&faults, Point::MailSend), Poll::Ready(Err(refused)));
        assert_eq!(at_once(&faults, Point::QueueSend), Poll::Ready(Ok(())));
        drop(armed);
        assert_eq!(at_once(&faults, Point::MailSend), Poll::Ready(Ok(())));
        assert_eq!(format!("{faults:?}"), "Faults(0 armed)");
    }

    #[tokio::test]
    async fn a_delay_is_waited_for() {
        let faults = Faults::default();
        let time = Duration::from_millis(30);
        let delay = move |_: Point, _: &str| Decision::Delay(time);
        let _armed = faults.arm(&[Point::Startup], Arc::new(delay));
        let begun = std::time::Instant::now();
        assert_eq!(faults.at(Point::Startup, "search").await, Ok(()));
        assert!(begun.elapsed() >= time);
    }
}
