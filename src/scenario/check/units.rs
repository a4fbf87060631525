//! Durations, rates, sizes, percentages and ranges as people write them.
//!
//! PURE. The formats' patterns stand in `scenario/file/text.rs`; these readers accept exactly those and give `None`
//! for anything else, so that texts from flags can be read too.

use std::time::Duration;

/// Longest duration accepted: 366 days.
pub(crate) const DURATION_MAX: Duration = Duration::from_secs(366 * 24 * 3600);

/// A number, neither infinite nor NaN.
pub(crate) fn finite(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

/// Splits a leading decimal number off.
fn number(text: &str) -> Option<(f64, &str)> {
    let text = text.trim_start();
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let value: f64 = text[..end].parse().ok()?;
    Some((value, text[end..].trim_start()))
}

/// `1m30s` → seconds.
fn seconds(text: &str) -> Option<f64> {
    let mut rest = text.trim();
    if rest.is_empty() {
        return None;
    }
    let mut total = 0.0;
    while !rest.is_empty() {
        let (value, after) = number(rest)?;
        let end = after
            .find(|c: char| c.is_ascii_digit() || c.is_whitespace())
            .unwrap_or(after.len());
        total += value * unit_seconds(&after[..end])?;
        rest = after[end..].trim_start();
    }
    Some(total)
}

fn unit_seconds(unit: &str) -> Option<f64> {
    Some(match unit {
        "us" | "µs" => 1e-6,
        "ms" => 1e-3,
        "s" | "sec" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        "d" => 86_400.0,
        _ => return None,
    })
}

/// A duration of at most [`DURATION_MAX`].
pub(crate) fn duration(text: &str) -> Option<Duration> {
    let seconds = seconds(text)?;
    (seconds <= DURATION_MAX.as_secs_f64()).then(|| Duration::from_secs_f64(seconds))
}

/// `10/s`, `600/min` → arrivals a second.
pub(crate) fn rate(text: &str) -> Option<f64> {
    let (value, rest) = number(text)?;
    let unit = rest.strip_prefix('/')?.trim();
    let per = match unit {
        "s" | "sec" | "m" | "min" | "h" | "d" => unit_seconds(unit)?,
        _ => return None,
    };
    Some(value / per)
}

/// `40%` → 0.4; above 100 % is given as it is.
pub(crate) fn share(text: &str) -> Option<f64> {
    let (value, rest) = number(text)?;
    (rest.trim_end() == "%").then(|| ratio(value))
}

/// Per cent → ratio, such that 99.9 becomes the number closest to 0.999.
pub(crate) fn ratio(percent: f64) -> f64 {
    (percent * 1e7).round() / 1e9
}

/// `16 MiB` → bytes.
pub(crate) fn size(text: &str) -> Option<u64> {
    let (value, rest) = number(text)?;
    let unit: f64 = match rest.trim_end() {
        "B" => 1.0,
        "kB" | "KB" => 1e3,
        "KiB" => 1024.0,
        "MB" => 1e6,
        "MiB" => 1024.0 * 1024.0,
        "GB" => 1e9,
        "GiB" => 1024.0 * 1024.0 * 1024.0,
        _ => return None,
    };
    let bytes = value * unit;
    // Exact up to 2^53, far beyond any body.
    (bytes <= 9e15).then_some(bytes as u64)
}

/// `1..4` → (1, 4); the order is not checked.
pub(crate) fn range(text: &str) -> Option<(u32, u32)> {
    let (from, to) = text.split_once("..")?;
    Some((from.trim().parse().ok()?, to.trim().parse().ok()?))
}

/// `1s..4s` → both durations; the order is not checked.
pub(crate) fn duration_range(text: &str) -> Option<(Duration, Duration)> {
    let (from, to) = text.split_once("..")?;
    Some((duration(from)?, duration(to)?))
}

/// A duration as one would write it: `90s` → `1m30s`.
pub fn show_duration(duration: Duration) -> String {
    let whole = duration.as_secs();
    if duration.is_zero() {
        return "0s".to_owned();
    }
    if whole < 1 || (whole < 60 && duration.subsec_millis() != 0) {
        return show_short(duration);
    }
    let parts = [
        (whole / 86_400, "d"),
        (whole / 3600 % 24, "h"),
        (whole / 60 % 60, "m"),
        (whole % 60, "s"),
    ];
    parts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, unit)| format!("{count}{unit}"))
        .collect()
}

fn show_short(duration: Duration) -> String {
    let micros = duration.as_micros();
    if micros < 1000 {
        format!("{micros}us")
    } else if micros < 1_000_000 {
        format!("{}ms", trimmed(micros as f64 / 1e3))
    } else {
        format!("{}s", trimmed(micros as f64 / 1e6))
    }
}

/// A rate as one would write it: in the largest unit of time that gives at least one.
pub fn show_rate(rate: f64) -> String {
    let (value, unit) = if rate >= 1.0 || rate == 0.0 {
        (rate, "s")
    } else if rate * 60.0 >= 1.0 {
        (rate * 60.0, "min")
    } else {
        (rate * 3600.0, "h")
    };
    format!("{}/{unit}", trimmed(value))
}

/// At most two decimals, without trailing zeros.
pub(crate) fn trimmed(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// `401` → (401, 401), `4xx` → (400, 499).
pub(super) fn status_range(text: &str) -> Option<(u16, u16)> {
    if let Some(class) = text.strip_suffix("xx") {
        let class: u16 = class.parse().ok().filter(|class| (1..=5).contains(class))?;
        return Some((class * 100, class * 100 + 99));
    }
    let code = text
        .parse()
        .ok()
        .filter(|code| (100..=599).contains(code))?;
    Some((code, code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_people_write() {
        assert_eq!(duration("1m30s"), Some(Duration::from_secs(90)));
        assert_eq!(duration(" 1.5 h "), Some(Duration::from_secs(5400)));
        assert_eq!(duration("250us"), Some(Duration::from_micros(250)));
        assert_eq!(rate("12/h"), Some(12.0 / 3600.0));
        assert_eq!(rate("600 / min"), Some(10.0));
        assert_eq!(share("0.5%"), Some(0.005));
        assert_eq!(size("64 KiB"), Some(65_536));
        assert_eq!(range("1..4"), Some((1, 4)));
        assert_eq!(
            duration_range("1s..4s"),
            Some((Duration::from_secs(1), Duration::from_secs(4)))
        );
    }

    #[test]
    fn refuses_the_rest() {
        for text in ["", "20", "s", "20 secs", "-1s", "1s2", "400d"] {
            assert_eq!(duration(text), None, "{text}");
        }
        for text in ["10", "10/", "/s", "10/week", "10/ms"] {
            assert_eq!(rate(text), None, "{text}");
        }
        assert_eq!(share("0.3"), None);
        assert_eq!(size("16"), None);
        assert_eq!(range("1-4"), None);
    }

    #[test]
    fn writes_what_it_reads() {
        for text in ["1m30s", "20s", "250ms", "1.5s", "2d3h", "0s"] {
            assert_eq!(duration(text).map(show_duration).as_deref(), Some(text));
        }
        for text in ["10/s", "12/h", "30/min", "1.5/s"] {
            assert_eq!(rate(text).map(show_rate).as_deref(), Some(text));
        }
    }
}
