//! One line of DogStatsD's protocol. PURE; strict: what is not understood as a whole is no line.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use crate::recording::signal::{
    Event, NAME_BYTES_MAX, Observation, Observed, ServiceCheck, Tags, VALUE_BYTES_MAX, cut,
};

/// Values that one line may pack.
pub const VALUES_MAX: usize = 16_384;

/// What a line says.
#[derive(Debug, Clone, PartialEq)]
pub enum Line {
    /// Observations of one metric; several only of a set.
    Metric(Vec<Observation>),
    /// `_sc|…`
    Check(ServiceCheck),
    /// `_e{…}:…`
    Event(Event),
}

/// Why something is no line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Not UTF-8.
    #[error("it is not UTF-8")]
    Text,
    /// No name, or a bad one.
    #[error("it has no name of 1 to 200 bytes without control characters")]
    Name,
    /// No value, or one that is no finite number.
    #[error("its value is no number")]
    Value,
    /// No type, or an unknown one.
    #[error("its type is none of c, g, h, d, ms, s")]
    Type,
    /// A sample rate that is none.
    #[error("its sample rate is not above 0 and at most 1")]
    Rate,
    /// A timestamp that is none, or where none may be.
    #[error("its timestamp is no number of seconds, or it is not a count or a gauge")]
    Timestamp,
    /// A field that is none of the protocol's.
    #[error("it has a field that the protocol does not know")]
    Field,
    /// An event whose lengths are not those of its texts.
    #[error("the lengths of the event are wrong")]
    Length,
    /// A service check whose status is not 0 to 3.
    #[error("the status of the service check is not 0 to 3")]
    Status,
}

/// Reads a line without its end.
///
/// # Errors
/// What is wrong with it.
pub fn parse(line: &[u8]) -> Result<Line, Malformed> {
    let line = std::str::from_utf8(line).map_err(|_| Malformed::Text)?;
    if let Some(rest) = line.strip_prefix("_e{") {
        return event(rest).map(Line::Event);
    }
    match line.strip_prefix("_sc|") {
        Some(rest) => check(rest).map(Line::Check),
        None => metric(line).map(Line::Metric),
    }
}

/// What stands behind a metric's value and type.
#[derive(Default)]
struct Fields<'l> {
    rate: Option<f64>,
    tags: &'l str,
    at_s: Option<i64>,
}

fn metric(line: &str) -> Result<Vec<Observation>, Malformed> {
    let (name, rest) = line.split_once(':').ok_or(Malformed::Name)?;
    let name = named(name)?;
    let mut parts = rest.split('|');
    let values = parts.next().ok_or(Malformed::Value)?;
    let kind = parts.next().ok_or(Malformed::Type)?;
    let fields = Fields::read(parts)?;
    if fields.at_s.is_some() && !matches!(kind, "c" | "g") {
        return Err(Malformed::Timestamp);
    }
    let observed = observed(kind, values, fields.rate.unwrap_or(1.0))?;
    let tags = Tags::of(fields.tags.split(','));
    let observation = |value| Observation {
        metric: name.to_owned(),
        tags: tags.clone(),
        unit: unit(name, kind).to_owned(),
        value,
        at_s: fields.at_s,
    };
    Ok(vec![observation(observed)])
}

fn observed(kind: &str, values: &str, rate: f64) -> Result<Observed, Malformed> {
    if kind == "s" {
        if values.is_empty() {
            return Err(Malformed::Value);
        }
        let mut hash = DefaultHasher::new();
        values.hash(&mut hash);
        return Ok(Observed::Set(hash.finish()));
    }
    let numbers = numbers(values)?;
    // As in an Agent: a value at rate 0.3 stands for three.
    let times = (1.0 / rate).round().clamp(1.0, 1e9) as u64;
    let weighed = |numbers: Vec<f64>| numbers.into_iter().map(|number| (number, times)).collect();
    match kind {
        "c" => Ok(Observed::Count(numbers.iter().sum::<f64>() / rate)),
        "g" => Ok(Observed::Gauge(numbers.last().copied().unwrap_or_default())),
        "d" => Ok(Observed::Distribution(weighed(numbers))),
        "h" | "ms" => Ok(Observed::Histogram(weighed(numbers))),
        _ => Err(Malformed::Type),
    }
}

/// At least one.
fn numbers(values: &str) -> Result<Vec<f64>, Malformed> {
    let number = |text: &str| match text.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(number),
        _ => Err(Malformed::Value),
    };
    values.split(':').take(VALUES_MAX).map(number).collect()
}

/// As the catalogue has it; a timer of anybody else's is in milliseconds.
fn unit(name: &str, kind: &str) -> &'static str {
    let known = telemetry::catalogue::Metric::ALL.iter();
    let known = known
        .map(|metric| metric.definition())
        .find(|row| row.name == name);
    match known {
        Some(row) => row.unit.as_str(),
        None if kind == "ms" => "millisecond",
        None => "",
    }
}

impl<'l> Fields<'l> {
    fn read(parts: impl Iterator<Item = &'l str>) -> Result<Self, Malformed> {
        let mut fields = Self::default();
        for part in parts {
            if let Some(rate) = part.strip_prefix('@') {
                let rate: f64 = rate.parse().map_err(|_| Malformed::Rate)?;
                if !(rate > 0.0 && rate <= 1.0) {
                    return Err(Malformed::Rate);
                }
                fields.rate = Some(rate);
            } else if let Some(tags) = part.strip_prefix('#') {
                fields.tags = tags;
            } else if let Some(at) = part.strip_prefix('T') {
                fields.at_s = Some(seconds(at)?);
            } else if !["c:", "e:", "card:"]
                .iter()
                .any(|known| part.starts_with(known))
            {
                // A container, external data and cardinality, which matter to an Agent alone.
                return Err(Malformed::Field);
            }
        }
        Ok(fields)
    }
}

fn named(name: &str) -> Result<&str, Malformed> {
    let is_good = (1..=NAME_BYTES_MAX).contains(&name.len())
        && !name.contains(|c: char| c.is_control() || c == '|');
    is_good.then_some(name).ok_or(Malformed::Name)
}

fn seconds(text: &str) -> Result<i64, Malformed> {
    text.parse().map_err(|_| Malformed::Timestamp)
}

fn check(rest: &str) -> Result<ServiceCheck, Malformed> {
    let mut parts = rest.splitn(3, '|');
    let name = named(parts.next().unwrap_or_default())?;
    let status = match parts.next() {
        Some("0") => 0,
        Some("1") => 1,
        Some("2") => 2,
        Some("3") => 3,
        _ => return Err(Malformed::Status),
    };
    let mut check = ServiceCheck {
        at_s: None,
        name: name.to_owned(),
        status,
        tags: Tags::default(),
        message: String::new(),
    };
    let mut fields = parts.next();
    while let Some(text) = fields {
        // A message is the last field, and may have bars in it.
        let (field, rest) = match text.split_once('|') {
            Some((field, rest)) if !text.starts_with("m:") => (field, Some(rest)),
            _ => (text, None),
        };
        match field.split_at_checked(2) {
            Some(("d:", at)) => check.at_s = Some(seconds(at)?),
            Some(("m:", message)) => check.message = text_of(message),
            Some(("h:" | "c:" | "e:", _)) => {}
            _ => match field.strip_prefix('#') {
                Some(tags) => check.tags = Tags::of(tags.split(',')),
                None => return Err(Malformed::Field),
            },
        }
        fields = rest;
    }
    Ok(check)
}

fn event(rest: &str) -> Result<Event, Malformed> {
    let (lengths, rest) = rest.split_once("}:").ok_or(Malformed::Length)?;
    let (title, text) = lengths.split_once(',').ok_or(Malformed::Length)?;
    let length = |text: &str| text.trim().parse::<usize>().map_err(|_| Malformed::Length);
    let (title, rest) = rest
        .split_at_checked(length(title)?)
        .ok_or(Malformed::Length)?;
    let rest = rest.strip_prefix('|').ok_or(Malformed::Length)?;
    let (text, rest) = rest
        .split_at_checked(length(text)?)
        .ok_or(Malformed::Length)?;
    if title.is_empty() {
        return Err(Malformed::Length);
    }
    let mut event = Event {
        at_s: None,
        title: text_of(title),
        text: text_of(text),
        tags: Tags::default(),
    };
    let fields = match rest.strip_prefix('|') {
        Some(fields) => fields,
        None if rest.is_empty() => return Ok(event),
        None => return Err(Malformed::Length),
    };
    for field in fields.split('|') {
        match field.split_at_checked(2) {
            Some(("d:", at)) => event.at_s = Some(seconds(at)?),
            Some(("h:" | "k:" | "p:" | "s:" | "t:" | "c:" | "e:", _)) => {}
            _ => match field.strip_prefix('#') {
                Some(tags) => event.tags = Tags::of(tags.split(',')),
                None => return Err(Malformed::Field),
            },
        }
    }
    Ok(event)
}

/// A text with its escaped line breaks.
fn text_of(text: &str) -> String {
    cut(text, VALUE_BYTES_MAX).replace("\\n", "\n")
}

#[cfg(test)]
mod tests;
