//! PURE: which part of a run an intended time belongs to.

use std::time::Duration;

use crate::scenario::Scenario;

/// Index into [`Phases`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PhaseId(pub u16);

/// The phases of a run in order; warm-up, if there is one, is a phase of its own in front of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phases {
    names: Vec<String>,
    /// End of each phase since the run began; the last has none.
    ends: Vec<Duration>,
    warm_up: bool,
}

impl Phases {
    /// The phases of a scenario.
    pub fn of(scenario: &Scenario) -> Self {
        let mut phases = Self {
            names: Vec::new(),
            ends: Vec::new(),
            warm_up: !scenario.warm_up.is_zero(),
        };
        if phases.warm_up {
            phases.names.push("warm-up".to_owned());
            phases.ends.push(scenario.warm_up);
        }
        let mut end = Duration::ZERO;
        for (name, duration) in scenario.load.phases() {
            end = end.saturating_add(duration);
            phases.names.push(name.to_owned());
            phases.ends.push(end);
        }
        phases.ends.pop();
        phases
    }

    /// The phase of an intended time. What is intended after the end belongs to the last.
    pub fn at(&self, intended: Duration) -> PhaseId {
        let index = match self.warm_up {
            true if intended < self.ends[0] => 0,
            // Behind the warm-up the other phases count from the run's begin, not from the warm-up's end.
            true => {
                1 + self.ends[1..]
                    .iter()
                    .filter(|end| intended >= **end)
                    .count()
            }
            false => self.ends.iter().filter(|end| intended >= **end).count(),
        };
        PhaseId(u16::try_from(index).unwrap_or(u16::MAX))
    }

    /// Names in order.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Whether figures of this phase count towards the run's.
    pub fn counts(&self, phase: PhaseId) -> bool {
        !(self.warm_up && phase.0 == 0)
    }

    /// The id of the scenario's n-th phase.
    pub fn planned(&self, index: usize) -> PhaseId {
        PhaseId(u16::try_from(index + usize::from(self.warm_up)).unwrap_or(u16::MAX))
    }

    /// Begin and end of a phase; `run_end` ends the last one.
    pub fn span(&self, phase: PhaseId, run_end: Duration) -> (Duration, Duration) {
        let index = usize::from(phase.0);
        let begin = match index.checked_sub(1) {
            None => Duration::ZERO,
            Some(0) if self.warm_up => self.ends[0],
            Some(before) => self.ends[before],
        };
        let end = self.ends.get(index).copied().unwrap_or(run_end);
        let begin = if self.warm_up && index > 0 {
            begin.max(self.ends[0])
        } else {
            begin
        };
        (begin, end.max(begin))
    }
}

#[cfg(test)]
mod tests {
    use super::{PhaseId, Phases};
    use std::time::Duration;

    fn three(warm_up: Option<u64>) -> Phases {
        let mut ends = vec![Duration::from_secs(20), Duration::from_secs(40)];
        let mut names = vec!["baseline".into(), "spike".into(), "recovery".into()];
        if let Some(seconds) = warm_up {
            ends.insert(0, Duration::from_secs(seconds));
            names.insert(0, "warm-up".into());
        }
        Phases {
            names,
            ends,
            warm_up: warm_up.is_some(),
        }
    }

    #[test]
    fn an_intended_time_belongs_to_the_phase_that_it_lies_in() {
        let phases = three(None);
        let at = |s| phases.at(Duration::from_secs(s)).0;
        assert_eq!(
            [at(0), at(19), at(20), at(39), at(40), at(1000)],
            [0, 0, 1, 1, 2, 2]
        );
    }

    #[test]
    fn warm_up_comes_first_and_counts_for_nothing() {
        let phases = three(Some(25));
        let at = |s| phases.at(Duration::from_secs(s)).0;
        assert_eq!([at(0), at(24), at(25), at(39), at(40)], [0, 0, 2, 2, 3]);
        assert!(!phases.counts(PhaseId(0)));
        assert!(phases.counts(PhaseId(1)));
        assert_eq!(phases.planned(1), PhaseId(2));
        assert_eq!(
            phases.span(PhaseId(2), Duration::from_secs(60)),
            (Duration::from_secs(25), Duration::from_secs(40))
        );
    }
}
