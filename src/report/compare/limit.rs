//! Limits on differences: `p95 of GET /x < +10 %`, `p99 < 20 ms`, `errors < 0.5 %`.

use std::collections::BTreeSet;
use std::str::FromStr;
use std::time::Duration;

use serde::Serialize;

use super::shift::signed_time;
use super::{Comparison, ERRORS, Row};
use crate::report::table::ALL_STEPS;
use crate::scenario::parse_duration;

/// The subject that stands for each step by itself.
const EVERY_STEP: &str = "every step";

/// The figures that can be limited, by their names in a comparison.
const FIGURES: [&str; 7] = ["p50", "p90", "p95", "p99", "p99.9", "max", ERRORS];

/// A limit on what B may be above A.
#[derive(Debug, Clone, PartialEq)]
pub struct Limit {
    text: String,
    figure: &'static str,
    step: String,
    includes: bool,
    most: Most,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Most {
    /// Of A, as a ratio; of error shares the difference.
    Share(f64),
    Millis(f64),
}

/// A limit, judged.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Limited {
    /// As written.
    pub text: String,
    /// The step that is furthest beyond it, or nearest to it.
    pub step: String,
    /// What was found there, for people.
    pub shown: String,
    /// Whether it was kept. A limit on what was not measured in both runs is not.
    pub met: bool,
}

impl FromStr for Limit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (left, right) = text
            .split_once('<')
            .ok_or("a limit says what B may be above A, such as 'p95 < 10 %' or 'p99 of GET /page < 20 ms'")?;
        let (includes, right) = match right.strip_prefix('=') {
            Some(right) => (true, right),
            None => (false, right),
        };
        let (figure, step) = left.split_once(" of ").unwrap_or((left, ALL_STEPS));
        let figure = match figure.trim() {
            "median" => "p50",
            "error share" => ERRORS,
            other => other,
        };
        let figure = FIGURES
            .into_iter()
            .find(|known| *known == figure)
            .ok_or_else(|| {
                format!(
                    "'{figure}' is no figure of a comparison; figures: {}, median, error share",
                    FIGURES.join(", ")
                )
            })?;
        let most = most(right.trim())?;
        if figure == ERRORS && matches!(most, Most::Millis(_)) {
            return Err(
                "an error share is limited in per cent, such as 'errors < 0.5 %'".to_owned(),
            );
        }
        Ok(Self {
            text: text.trim().to_owned(),
            figure,
            step: step.trim().to_owned(),
            includes,
            most,
        })
    }
}

fn most(text: &str) -> Result<Most, String> {
    let refused = || format!("'{text}' is neither a share such as 10 % nor a time such as 20 ms");
    let (sign, size) = match text.strip_prefix('-') {
        Some(size) => (-1.0, size),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    let size = size.trim();
    if let Some(number) = size.strip_suffix('%') {
        let number: f64 = number.trim().parse().map_err(|_| refused())?;
        return match number.is_finite() {
            true => Ok(Most::Share(sign * number / 100.0)),
            false => Err(refused()),
        };
    }
    let time: Duration = parse_duration(size).map_err(|_| refused())?;
    Ok(Most::Millis(sign * time.as_secs_f64() * 1e3))
}

impl Limit {
    fn concerns(&self, row: &Row) -> bool {
        let step = match self.step.as_str() {
            EVERY_STEP => row.step != ALL_STEPS,
            step => row.step == step,
        };
        step && row.figure == self.figure
    }

    /// How far beyond the limit, in its own unit.
    fn excess(&self, row: &Row) -> Option<f64> {
        match self.most {
            Most::Share(most) => row.change.map(|change| change - most),
            Most::Millis(most) => row.moved_ms.map(|moved| moved - most),
        }
    }

    fn judge(&self, comparison: &Comparison) -> Result<Limited, String> {
        // What was not measured is worse than anything that was.
        let excess = |row: &Row| self.excess(row).unwrap_or(f64::INFINITY);
        let rows = comparison.rows.iter();
        let worst = rows
            .filter(|row| self.concerns(row))
            .max_by(|a, b| excess(a).total_cmp(&excess(b)));
        let Some(worst) = worst else {
            let steps = comparison.rows.iter().map(|row| row.step.as_str());
            let steps: BTreeSet<&str> = steps.collect();
            return Err(format!(
                "'{}': both runs have no step '{}'; steps: {}",
                self.text,
                self.step,
                Vec::from_iter(steps).join(", ")
            ));
        };
        let found = self.excess(worst);
        let met = found.is_some_and(|excess| excess < 0.0 || self.includes && excess <= 0.0);
        Ok(Limited {
            text: self.text.clone(),
            step: worst.step.clone(),
            shown: match (found, worst.moved_ms, worst.change) {
                (None, ..) => "not measured in both runs".to_owned(),
                (_, Some(moved), Some(change)) => {
                    format!("{}, {:+.1} %", signed_time(moved), change * 100.0)
                }
                (_, Some(moved), None) => signed_time(moved),
                (_, None, change) => format!("{:+.3} pp", change.unwrap_or_default() * 100.0),
            },
            met,
        })
    }
}

impl Limited {
    pub(super) fn sentence(&self) -> String {
        let mark = if self.met { "✓" } else { "✗" };
        format!("{mark} {}: {} ({})", self.text, self.shown, self.step)
    }
}

impl Comparison {
    /// Judges limits on the differences over the whole runs.
    ///
    /// # Errors
    /// A sentence for people when a limit names a step that the runs do not have both.
    pub fn limited(mut self, limits: &[Limit]) -> Result<Self, String> {
        let judged = limits.iter().map(|limit| limit.judge(&self));
        self.limits = judged.collect::<Result<_, _>>()?;
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_shares_and_times_and_mistakes_name_the_right_words() {
        let limit = |text: &str| Limit::from_str(text);
        let parsed = limit("p95 of GET /page <= +10 %").unwrap();
        assert_eq!(
            (parsed.figure, parsed.step.as_str(), parsed.includes),
            ("p95", "GET /page", true)
        );
        assert_eq!(parsed.most, Most::Share(0.1));
        assert_eq!(limit("median < 20 ms").unwrap().most, Most::Millis(20.0));
        assert_eq!(limit("p99 < -5%").unwrap().most, Most::Share(-0.05));
        assert_eq!(limit("error share < 1 %").unwrap().figure, ERRORS);
        for (text, problem) in [
            ("p95", "such as 'p95 < 10 %'"),
            ("p(95) < 10 %", "figures: p50"),
            ("p95 < ten", "neither a share"),
            ("errors < 20 ms", "in per cent"),
        ] {
            let message = limit(text).unwrap_err();
            assert!(message.contains(problem), "{message}");
        }
    }
}
