//! From what was measured to the parts of a run's record. Must not know files.

use std::collections::BTreeMap;
use std::time::Duration;

use super::record::{Accounting, FunnelRecord, JourneyRecord, PhaseRecord, StepRecord};
use super::times::TimesRecord;
use crate::measure::totals::Totals;
use crate::measure::{JourneyStats, PhaseId, Phases, StepStats};
use crate::redact::Shown;
use crate::scenario::{Scenario, StepNameId};

/// The part of a report that comes from what was measured.
pub struct Measured<'a> {
    /// What was asked for.
    pub scenario: &'a Scenario,
    /// The run's phases.
    pub phases: &'a Phases,
    /// The sums.
    pub totals: &'a Totals,
    /// Length of the load.
    pub load: Duration,
}

impl Measured<'_> {
    /// Phases in order.
    pub fn phases(&self) -> Vec<PhaseRecord> {
        let record = |index: usize, name: &String| {
            let phase = PhaseId(u16::try_from(index).unwrap_or(u16::MAX));
            let (begin, end) = self.phases.span(phase, self.load);
            PhaseRecord {
                name: name.clone(),
                begin_s: begin.as_secs_f64(),
                end_s: end.as_secs_f64(),
                counts: self.phases.counts(phase),
                start_lag: self
                    .totals
                    .start_lag
                    .get(&phase)
                    .map(TimesRecord::of)
                    .unwrap_or_default(),
            }
        };
        self.phases
            .names()
            .iter()
            .enumerate()
            .map(|(index, name)| record(index, name))
            .collect()
    }

    /// By step and phase.
    pub fn steps(&self) -> Vec<StepRecord> {
        self.totals
            .cells
            .iter()
            .map(|((phase, figure), cell)| self.step(*phase, *figure, cell))
            .collect()
    }

    fn step(&self, phase: PhaseId, figure: StepNameId, cell: &StepStats) -> StepRecord {
        let name = &self.scenario.figures[usize::from(figure.0)];
        let named = |counts: &BTreeMap<(PhaseId, StepNameId, String), u64>| {
            let of = counts
                .iter()
                .filter(|((p, f, _), _)| *p == phase && *f == figure);
            of.map(|((_, _, name), count)| (name.clone(), *count))
                .collect()
        };
        StepRecord {
            step: name.name.clone(),
            service: name.service.clone(),
            phase: self.phase_name(phase),
            ok: cell.ok,
            outcomes: named(&self.totals.outcomes),
            errors: named(&self.totals.errors),
            why: self.why(figure),
            in_flight: cell.in_flight,
            bytes: cell.bytes,
            decoded_bytes: cell.decoded_bytes,
            replays: cell.replays,
            response: TimesRecord::of(&cell.response),
            service_time: TimesRecord::of(&cell.service),
            connection_wait: TimesRecord::of(&cell.connection_wait),
            failure_time: TimesRecord::of(&cell.failure),
        }
    }

    /// Of the first example of each error.
    fn why(&self, figure: StepNameId) -> BTreeMap<String, Shown> {
        let mut found = BTreeMap::new();
        for sample in self
            .totals
            .samples
            .iter()
            .filter(|sample| sample.figure == figure.0)
        {
            if let Some(why) = &sample.why {
                found
                    .entry(sample.ending.clone())
                    .or_insert_with(|| why.clone());
            }
        }
        found
    }

    /// By journey and phase.
    pub fn journeys(&self) -> Vec<JourneyRecord> {
        let record = |((phase, journey), cell): (&(PhaseId, u16), &JourneyStats)| JourneyRecord {
            journey: self.scenario.journeys[usize::from(*journey)].name.clone(),
            phase: self.phase_name(*phase),
            completed: cell.completed,
            failed: cell.failed,
            timed_out: cell.timed_out,
            in_flight: cell.in_flight,
            response: TimesRecord::of(&cell.response),
            failure_time: TimesRecord::of(&cell.failure),
        };
        self.totals.journeys.iter().map(record).collect()
    }

    /// Business counters by name and phase.
    pub fn counters(&self) -> BTreeMap<String, BTreeMap<String, u64>> {
        let mut found: BTreeMap<String, BTreeMap<String, u64>> = self
            .scenario
            .counters
            .iter()
            .map(|name| (name.clone(), BTreeMap::new()))
            .collect();
        for ((phase, counter), count) in &self.totals.counters {
            let name = self.scenario.counters[usize::from(counter.0)].clone();
            found
                .entry(name)
                .or_default()
                .insert(self.phase_name(*phase), *count);
        }
        found
    }

    /// How many shoppers came how far.
    pub fn funnels(&self) -> Vec<FunnelRecord> {
        let reached = |journey: usize, place: usize| {
            let key = u16::try_from(journey).ok().zip(u8::try_from(place).ok());
            let count = key.and_then(|key| self.totals.reached.get(&key));
            count.copied().unwrap_or(0)
        };
        let journeys = self.scenario.journeys.iter().enumerate();
        journeys
            .map(|(index, journey)| FunnelRecord {
                journey: journey.name.clone(),
                steps: journey
                    .funnel
                    .iter()
                    .enumerate()
                    .map(|(place, figure)| {
                        let name = &self.scenario.figures[usize::from(figure.0)].name;
                        (name.clone(), reached(index, place))
                    })
                    .collect(),
            })
            .collect()
    }

    /// Where all journeys went.
    pub fn accounting(&self) -> Accounting {
        let mut sum = JourneyStats::default();
        self.totals.journeys.values().for_each(|cell| sum.add(cell));
        Accounting {
            planned: self.totals.arrivals_all().planned,
            completed: sum.completed,
            failed: sum.failed,
            timed_out: sum.timed_out,
            in_flight: sum.in_flight,
            dropped: self.totals.dropped.clone(),
        }
    }

    fn phase_name(&self, phase: PhaseId) -> String {
        self.phases
            .names()
            .get(usize::from(phase.0))
            .cloned()
            .unwrap_or_default()
    }
}
