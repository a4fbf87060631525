//! Clicks: what they lead to, and how they frustrate.

use uuid::Uuid;

use super::event::{ActionEvent, ActionPart, Count, Frustrations, Internal, Target};
use super::scene::Scene;
use super::session::{Outbox, Session, push, session_part};
use super::visitor::draw_uuid;
use crate::rng::ShopperRng;

/// How long a page may keep a shopper waiting before it loses patience; nanoseconds.
const PATIENCE: u64 = 2_000_000_000;

/// Share of shoppers who click again and again, for each second beyond that; and of those who click in vain.
const RAGE_A_SECOND: f64 = 0.2;
const RAGE_MAX: f64 = 0.6;
const DEAD: f64 = 0.1;

/// Most frustrations of one click.
const KINDS_MAX: usize = 2;

/// A click that something comes of.
#[derive(Debug)]
pub(super) struct Click {
    pub(super) id: Uuid,
    at: u64,
    name: String,
    pub(super) errors: u32,
    pub(super) long_tasks: u32,
    pub(super) resources: u32,
}

/// What a slow page makes of a shopper.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Frustration {
    /// It clicks again and again.
    Rage,
    /// It clicks at what does not answer.
    Dead,
}

impl Frustration {
    /// When a shopper clicks again, after a page has begun to load; nanoseconds.
    pub(super) const AFTER: u64 = 1_200_000_000;

    /// What so long a wait makes of this shopper. Draws as often whatever the wait.
    pub(super) fn of(rng: &mut ShopperRng, wait: u64) -> Option<Self> {
        let (rage, dead) = (rng.unit(), rng.unit());
        let beyond = wait.checked_sub(PATIENCE)? as f64 / 1e9;
        if rage < (RAGE_A_SECOND * beyond).min(RAGE_MAX) {
            return Some(Self::Rage);
        }
        (dead < DEAD).then_some(Self::Dead)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Rage => "rage_click",
            Self::Dead => "dead_click",
        }
    }
}

impl Session {
    /// The shopper clicks.
    pub(super) fn click_at(&mut self, name: &str, at: u64) {
        let interaction = self.vitals.interaction(&mut self.rng);
        if let Some(view) = &mut self.view {
            view.interaction = view.interaction.max(Some(interaction));
        }
        self.click = Some(Click {
            id: draw_uuid(&mut self.rng),
            at,
            name: name.to_owned(),
            errors: 0,
            long_tasks: 0,
            resources: 0,
        });
    }

    /// All that comes of the click has come, by the time `done`; `None` when the page was left before.
    pub(super) fn end_click(
        &mut self,
        scene: &Scene,
        done: Option<u64>,
        frustration: Option<Frustration>,
        out: &mut Outbox,
    ) {
        let (Some(click), Some(view)) = (self.click.take(), &mut self.view) else {
            return;
        };
        let mut kinds = Vec::with_capacity(KINDS_MAX);
        kinds.extend(frustration.map(Frustration::name));
        kinds.extend((click.errors > 0).then_some("error_click"));
        let frustrations = kinds.len() as u32;
        view.counts.actions += 1;
        view.counts.frustrations += frustrations;
        view.changed(done.unwrap_or(click.at).max(click.at));
        out.counts.actions += 1;
        out.counts.frustrations += u64::from(frustrations);
        let event = ActionEvent {
            kind: "action",
            date: scene.date(click.at),
            session: session_part(self.id),
            view: view.place(),
            action: ActionPart {
                id: click.id,
                kind: "click",
                target: Target { name: &click.name },
                loading_time: done.map(|done| done.saturating_sub(click.at)),
                error: Count {
                    count: click.errors,
                },
                long_task: Count {
                    count: click.long_tasks,
                },
                resource: Count {
                    count: click.resources,
                },
                frustration: Frustrations { kinds: &kinds },
            },
            dd: Internal::new(scene.configuration()),
        };
        push(&mut self.batch, click.at, &event, &self.tail, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fast_page_frustrates_nobody_and_a_very_slow_one_most() {
        let mut rng = ShopperRng::new(1, "test", 0);
        let mut frustrated = |wait| {
            let mut all = (0..1_000).filter_map(|_| Frustration::of(&mut rng, wait));
            let rage = all.by_ref().filter(|kind| *kind == Frustration::Rage);
            rage.count()
        };
        assert_eq!(frustrated(PATIENCE - 1), 0);
        assert!((550..650).contains(&frustrated(60_000_000_000)));
    }
}
