//! Where a run's times stand among the seconds of its recording.

use std::collections::BTreeMap;
use std::time::Duration;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::report::RunReport;

/// A named stretch of the run, in seconds since the load began.
pub(super) struct Stretch {
    pub(super) name: String,
    pub(super) begin_s: f64,
    pub(super) end_s: f64,
}

/// A run's times.
pub(super) struct Moments {
    /// UNIX seconds at which the load began.
    pub(super) start_s: i64,
    /// Seconds until the last step ended, if the run did.
    elapsed_s: Option<i64>,
    pub(super) phases: Vec<Stretch>,
    pub(super) faults: Vec<Stretch>,
}

impl Moments {
    /// Of what the recording notes, and of the run's record if there is one.
    pub(super) fn of(meta: &BTreeMap<String, String>, report: Option<&RunReport>) -> Self {
        let noted = ["load_started_ms", "started_ms"];
        let noted = noted
            .iter()
            .find_map(|key| meta.get(*key)?.parse::<i64>().ok());
        let recorded = || {
            let at = OffsetDateTime::parse(&report?.started_at, &Rfc3339).ok()?;
            Some(at.unix_timestamp() * 1_000)
        };
        let start_ms = noted.or_else(recorded).unwrap_or_default();
        let phases = report.iter().flat_map(|report| &report.phases);
        let phases = phases.map(|phase| stretch(&phase.name, phase.begin_s, phase.end_s));
        let faults = report.iter().flat_map(|report| &report.faults);
        let faults = faults.map(|fault| stretch(&fault.name, fault.begin_s, fault.end_s));
        Self {
            start_s: start_ms.div_euclid(1_000),
            elapsed_s: report.map(|report| report.elapsed_s.ceil() as i64),
            phases: phases.collect(),
            faults: faults.collect(),
        }
    }

    /// The UNIX seconds that are asked for, both included: all of the run and what came after it, if nothing is said.
    pub(super) fn window(
        &self,
        from: Option<Duration>,
        to: Option<Duration>,
        recorded: (i64, i64),
    ) -> Result<(i64, i64), String> {
        // The interval in which the load began belongs to it.
        let begin = self.start_s.div_euclid(10) * 10;
        let end = recorded.1.max(self.start_s + self.elapsed_s.unwrap_or(0));
        let at = |offset: Duration| {
            self.start_s
                .saturating_add(i64::try_from(offset.as_secs()).unwrap_or(i64::MAX))
        };
        let (from, to) = (from.map_or(begin, at), to.map_or(end, at));
        match from < to {
            true => Ok((from, to)),
            false => Err(format!(
                "there is no time from {} s to {} s; the recording ends {} s after the load began",
                from - self.start_s,
                to - self.start_s,
                recorded.1 - self.start_s
            )),
        }
    }
}

fn stretch(name: &str, begin_s: f64, end_s: f64) -> Stretch {
    Stretch {
        name: name.to_owned(),
        begin_s,
        end_s,
    }
}
