//! Durations as people write them: `250ms`, `30s`, `5m`, `1h`.

use std::time::Duration;

/// Reads `250ms`, `30s`, `5m`, `1h`; at most a day.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    let split = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let number: u64 = number.parse().map_err(|_| wrong_duration(text))?;
    let unit_ms = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err(wrong_duration(text)),
    };
    let duration = Duration::from_millis(number.saturating_mul(unit_ms));
    if duration > DAY {
        return Err(format!("`{text}` is more than a day"));
    }
    Ok(duration)
}

fn wrong_duration(text: &str) -> String {
    format!("`{text}` is not a duration; write a whole number and ms, s, m or h, as in 250ms or 5m")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_and_nonsense_is_refused() {
        assert_eq!(parse_duration("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(parse_duration("5m"), Ok(Duration::from_secs(300)));
        for text in [
            "",
            "5",
            "m",
            "-5s",
            "1.5s",
            "5 m",
            "25h",
            "99999999999999999999s",
        ] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }
}
