//! Thresholds: `p99 of POST /api/orders < 800 ms in baseline`.
//!
//! Grammar: FIGURE [of SUBJECT] OPERATOR VALUE [in PHASE | in every DURATION]; queries over the system's own metrics are
//! `telemetry`'s. Must not know: where the text stands.

mod telemetry;
mod words;

use checked_yaml::did_you_mean;

use super::slip::Slip;
use super::units;
use crate::redact::Redactor;
use crate::scenario::{CounterId, Measure, Op, Over, Scenario, StepNameId, Subject, Threshold};
use words::Words;

const FIGURES: &str = "p50 … p99.99, median or max (optionally followed by `service time`, `failure time`, `start lag` or `connection wait`), \
                       error share, rate, a counter, a counter per minute, outcome NAME, burn of 99.9%";

/// Compiles a threshold against the names of a scenario.
///
/// # Errors
/// Everything that is wrong with it: its parts do not depend on each other, but for a limit whose figure is not known.
pub(super) fn parse(text: &str, scenario: &Scenario) -> Result<Threshold, Vec<Slip>> {
    let whole = Words::of(text, 0..text.len());
    let reader = Reader { scenario };
    if telemetry::is_meant(text) {
        return telemetry::parse(whole, &reader);
    }
    let Some((left, op, right)) = split_at_operator(whole).map_err(|slip| vec![slip])? else {
        return Err(vec![
            Slip::new(whole.range(), "a threshold compares a figure with a limit")
                .label("no `<`, `<=`, `>`, `>=` or `is` in it")
                .help("for example `p99 of POST /api/orders < 800 ms in baseline`"),
        ]);
    };
    let (figure, subject) = split_at_of(left);
    let (value, over) = match right.find(" in ") {
        Some(at) => (right.before(at), Some(right.after(at + 4))),
        None => (right, None),
    };
    let mut slips = Vec::new();
    let measure = kept(reader.measure(figure), &mut slips);
    let subject = kept(reader.subject(subject), &mut slips);
    let limit = measure
        .as_ref()
        .and_then(|(_, unit)| kept(limit(value, *unit, figure), &mut slips));
    let over = kept(
        over.map_or(Ok(Over::Run), |over| reader.over(over)),
        &mut slips,
    );
    let (Some((measure, unit)), Some(subject), Some(limit), Some(over)) =
        (measure, subject, limit, over)
    else {
        return Err(slips);
    };
    if subject != Subject::Run && !unit.has_subject() {
        return Err(vec![
            Slip::new(
                figure.range(),
                format!("`{}` belongs to the whole run", figure.text()),
            )
            .label("takes no `of …`"),
        ]);
    }
    Ok(Threshold {
        text: text.trim().to_owned(),
        measure,
        subject,
        op,
        limit,
        over,
    })
}

fn kept<T>(found: Result<T, Slip>, slips: &mut Vec<Slip>) -> Option<T> {
    found.map_err(|slip| slips.push(slip)).ok()
}

fn split_at_operator(words: Words<'_>) -> Result<Option<(Words<'_>, Op, Words<'_>)>, Slip> {
    let text = words.text();
    let sign = text.find(['<', '>', '=']);
    let word = text.find(" is ");
    let (at, length, op) = match (sign, word) {
        (Some(sign), word) if word.is_none_or(|word| sign < word) => {
            let (length, op) = operator(&text[sign..]).ok_or_else(|| {
                Slip::new(
                    words.start + sign..words.start + sign + 1,
                    "unknown comparison",
                )
                .label("expected `<`, `<=`, `>`, `>=` or `is`")
            })?;
            (sign, length, op)
        }
        (_, Some(word)) => (word, 4, Op::Equal),
        _ => return Ok(None),
    };
    Ok(Some((words.before(at), op, words.after(at + length))))
}

fn operator(text: &str) -> Option<(usize, Op)> {
    [
        ("<=", Op::LessOrEqual),
        (">=", Op::GreaterOrEqual),
        ("==", Op::Equal),
        ("<", Op::Less),
        (">", Op::Greater),
    ]
    .into_iter()
    .find(|(sign, _)| text.starts_with(sign))
    .map(|(sign, op)| (sign.len(), op))
}

/// Splits figure and subject at ` of `; `burn of 99.9%` keeps its own.
fn split_at_of(left: Words<'_>) -> (Words<'_>, Option<Words<'_>>) {
    let from = if left.text().starts_with("burn of ") {
        "burn of ".len()
    } else {
        0
    };
    match left.text()[from..].find(" of ") {
        Some(at) => (left.before(from + at), Some(left.after(from + at + 4))),
        None => (left, None),
    }
}

/// What a limit is written in.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Unit {
    Duration,
    Share,
    Rate,
    Plain,
    /// A plain number, of the whole run only.
    Counter,
}

impl Unit {
    fn has_subject(self) -> bool {
        self != Self::Counter
    }
}

struct Reader<'s> {
    scenario: &'s Scenario,
}

impl Reader<'_> {
    fn measure(&self, words: Words<'_>) -> Result<(Measure, Unit), Slip> {
        match words.text() {
            "" => {
                return Err(Slip::new(words.range(), "the figure is missing")
                    .help(format!("figures: {FIGURES}")));
            }
            "error share" | "errors" | "error rate" => {
                return Ok((Measure::ErrorShare, Unit::Share));
            }
            "mean" | "avg" | "average" => {
                return Err(Slip::new(
                    words.range(),
                    "there are no averages: they hide what is slow",
                )
                .label("an average")
                .help("write `median`, or a percentile such as `p95`"));
            }
            "rate" => return Ok((Measure::Rate, Unit::Rate)),
            _ => {}
        }
        if let Some(target) = words.strip("burn of ") {
            return burn(target).map(|target| (Measure::Burn { target }, Unit::Plain));
        }
        if let Some(name) = words.strip("outcome ") {
            return self
                .outcome(name)
                .map(|name| (Measure::Outcome(name), Unit::Plain));
        }
        let (first, rest) = match words.find(" ") {
            Some(at) => (words.before(at), words.after(at)),
            None => (words, words.after(words.text().len())),
        };
        if let Some(quantile) = quantile(first) {
            return Ok((clock(quantile?, rest)?, Unit::Duration));
        }
        self.counter(words)
    }

    fn counter(&self, words: Words<'_>) -> Result<(Measure, Unit), Slip> {
        let per_minute = words.text().strip_suffix("per minute").map(str::trim_end);
        let name = per_minute.unwrap_or(words.text());
        let counters = &self.scenario.counters;
        let Some(index) = counters.iter().position(|known| known == name) else {
            let listed = if counters.is_empty() {
                "none".to_owned()
            } else {
                counters.join(", ")
            };
            let figures = ["error share", "rate", "median", "max"];
            return Err(Slip::new(
                words.start..words.start + name.len().max(1),
                format!("`{name}` is neither a figure nor a counter"),
            )
            .label("unknown figure")
            .concerns(name)
            .help_maybe(did_you_mean(
                name,
                counters.iter().map(String::as_str).chain(figures),
            ))
            .help(format!("counters of this scenario: {listed}"))
            .help(format!("figures: {FIGURES}")));
        };
        let id = CounterId(index as u16);
        let measure = if per_minute.is_some() {
            Measure::CountPerMinute(id)
        } else {
            Measure::Count(id)
        };
        Ok((measure, Unit::Counter))
    }

    fn outcome(&self, name: Words<'_>) -> Result<String, Slip> {
        let mut known: Vec<&str> = self
            .scenario
            .steps
            .iter()
            .flat_map(|step| &step.outcomes)
            .map(|outcome| outcome.name.as_str())
            .collect();
        known.dedup();
        if known.contains(&name.text()) {
            return Ok(name.text().to_owned());
        }
        Err(unknown("outcome", name, &known))
    }

    fn subject(&self, words: Option<Words<'_>>) -> Result<Subject, Slip> {
        let Some(words) = words else {
            return Ok(Subject::Run);
        };
        let scenario = self.scenario;
        if let Some(name) = words.strip("journey ") {
            let known: Vec<&str> = scenario
                .journeys
                .iter()
                .map(|journey| journey.name.as_str())
                .collect();
            let index = known.iter().position(|known| *known == name.text());
            return index
                .map(Subject::Journey)
                .ok_or_else(|| unknown("journey", name, &known));
        }
        if let Some(name) = words.strip("service ") {
            let known = distinct(
                scenario
                    .figures
                    .iter()
                    .map(|figure| figure.service.as_str()),
            );
            let found = known.contains(&name.text());
            return found
                .then(|| Subject::Service(name.text().to_owned()))
                .ok_or_else(|| unknown("service", name, &known));
        }
        if let Some(name) = words.strip("tag ") {
            let known = distinct(
                scenario
                    .figures
                    .iter()
                    .flat_map(|figure| &figure.tags)
                    .map(String::as_str),
            );
            let found = known.contains(&name.text());
            return found
                .then(|| Subject::Tag(name.text().to_owned()))
                .ok_or_else(|| unknown("tag", name, &known));
        }
        let known: Vec<&str> = scenario
            .figures
            .iter()
            .map(|figure| figure.name.as_str())
            .collect();
        // Names are kept without the secrets in them.
        let name = Redactor::default().name(words.text());
        let index = known.iter().position(|known| *known == name);
        index
            .map(|index| Subject::Step(StepNameId(index as u16)))
            .ok_or_else(|| unknown("step", words, &known))
    }

    fn phase_length(&self, index: usize) -> Option<std::time::Duration> {
        self.scenario
            .load
            .phases()
            .nth(index)
            .map(|(_, length)| length)
    }

    fn over(&self, words: Words<'_>) -> Result<Over, Slip> {
        if let Some(length) = words.strip("every ") {
            return match units::duration(length.text()) {
                Some(length) if length.as_secs_f64() >= 1.0 => Ok(Over::Every(length)),
                Some(_) => Err(
                    Slip::new(length.range(), "a window is at least one second long")
                        .label("too short"),
                ),
                None => Err(Slip::new(
                    length.range(),
                    format!("`{}` is not a duration", length.text()),
                )
                .label("expected a duration")
                .help("for example `in every 10s`")),
            };
        }
        let known: Vec<&str> = self.scenario.load.phases().map(|(name, _)| name).collect();
        let index = known.iter().position(|known| *known == words.text());
        index
            .map(Over::Phase)
            .ok_or_else(|| unknown("phase", words, &known))
    }
}

fn burn(target: Words<'_>) -> Result<f64, Slip> {
    match units::share(target.text()) {
        Some(share) if share > 0.0 && share < 1.0 => Ok(share),
        _ => Err(Slip::new(
            target.range(),
            format!("`{}` is not an objective", target.text()),
        )
        .label("expected a percentage below 100%")
        .help("for example `burn of 99.9% < 14.4 in every 60s`")),
    }
}

/// `p99.9`, `median`, `max`; `None` if it is none of these.
fn quantile(word: Words<'_>) -> Option<Result<f64, Slip>> {
    match word.text() {
        "median" => return Some(Ok(0.5)),
        "max" => return Some(Ok(1.0)),
        _ => {}
    }
    // As k6 has it, too: `p(95)`.
    let number = word.text().strip_prefix('p')?;
    let number = match number.strip_prefix('(') {
        Some(inner) => inner.strip_suffix(')')?,
        None => number,
    };
    let percent: f64 = number.parse().ok()?;
    if percent > 0.0 && percent < 100.0 {
        return Some(Ok(units::ratio(percent)));
    }
    Some(Err(Slip::new(
        word.range(),
        format!("`{}` is not a percentile", word.text()),
    )
    .label("above p0 and below p100")
    .help("for the largest value write `max`")))
}

fn clock(quantile: f64, words: Words<'_>) -> Result<Measure, Slip> {
    match words.text() {
        "" | "response time" => Ok(Measure::Response(quantile)),
        "service time" => Ok(Measure::Service(quantile)),
        "failure time" => Ok(Measure::Failure(quantile)),
        "start lag" => Ok(Measure::StartLag(quantile)),
        "connection wait" => Ok(Measure::ConnectionWait(quantile)),
        other => {
            let known = [
                "response time",
                "service time",
                "failure time",
                "start lag",
                "connection wait",
            ];
            Err(
                Slip::new(words.range(), format!("`{other}` is not measured"))
                    .label("unknown time")
                    .help_maybe(did_you_mean(other, known))
                    .help(format!(
                        "known: {}; `of` comes before a step's name",
                        known.join(", ")
                    )),
            )
        }
    }
}

fn limit(words: Words<'_>, unit: Unit, figure: Words<'_>) -> Result<f64, Slip> {
    let text = words.text();
    let (value, wanted, example) = match unit {
        Unit::Duration => (
            units::duration(text).map(|value| value.as_secs_f64()),
            "a duration",
            "800 ms",
        ),
        Unit::Share => (
            units::share(text).filter(|share| *share <= 1.0),
            "a percentage up to 100%",
            "1%",
        ),
        Unit::Rate => (units::rate(text), "a rate", "100/s"),
        Unit::Plain | Unit::Counter => (
            units::finite(text).filter(|value| *value >= 0.0),
            "a number",
            "120",
        ),
    };
    value.ok_or_else(|| {
        let shown = if text.is_empty() {
            "nothing".to_owned()
        } else {
            format!("`{text}`")
        };
        Slip::new(
            words.range(),
            format!(
                "`{}` is compared with {wanted}, not with {shown}",
                figure.text()
            ),
        )
        .label(format!("expected {wanted}"))
        .help(format!("for example {example}"))
    })
}

fn distinct<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut found: Vec<&str> = Vec::new();
    for name in names.filter(|name| !name.is_empty()) {
        if !found.contains(&name) {
            found.push(name);
        }
    }
    found
}

fn unknown(kind: &str, words: Words<'_>, known: &[&str]) -> Slip {
    let listed = if known.is_empty() {
        "none".to_owned()
    } else {
        known.join(", ")
    };
    Slip::new(
        words.range(),
        format!("there is no {kind} `{}`", words.text()),
    )
    .label(format!("unknown {kind}"))
    .concerns(words.text())
    .help_maybe(did_you_mean(words.text(), known.iter().copied()))
    .help(format!("{kind}s of this scenario: {listed}"))
}
