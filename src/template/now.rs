//! The time of day as a value.
//!
//! PURE: it is told what time it is.

use std::borrow::Cow;

use time::format_description::well_known::Rfc2822;
use time::format_description::{BorrowedFormatItem, OwnedFormatItem};
use time::macros::format_description;
use time::{Duration, OffsetDateTime};

use super::Scalar;

/// As JavaScript writes it, with three digits of the second.
const RFC_3339: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");

/// As headers of HTTP carry it (RFC 9110, 5.6.7).
const HTTP: &[BorrowedFormatItem<'_>] = format_description!(
    "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
);

/// The time at which a value is made, in UTC.
#[derive(Debug, Clone)]
pub struct Now {
    /// How it is written.
    pub format: TimeFormat,
    /// So much later; earlier, if negative.
    pub offset: Duration,
}

/// How a time is written.
#[derive(Debug, Clone)]
pub enum TimeFormat {
    /// `2026-11-27T09:00:00.000Z`.
    Rfc3339,
    /// `Fri, 27 Nov 2026 09:00:00 +0000`.
    Rfc2822,
    /// `Fri, 27 Nov 2026 09:00:00 GMT`.
    Http,
    /// Whole seconds since 1970, a number.
    Unix,
    /// Whole milliseconds since 1970, a number.
    UnixMs,
    /// By the signs of strftime.
    Pattern(OwnedFormatItem),
}

impl Now {
    /// Its value at this time.
    pub(crate) fn at(&self, now: OffsetDateTime) -> Scalar<'static> {
        let time = now.saturating_add(self.offset);
        let text = match &self.format {
            TimeFormat::Unix => return Scalar::Int(time.unix_timestamp()),
            TimeFormat::UnixMs => {
                let milliseconds = time.unix_timestamp_nanos().div_euclid(1_000_000);
                return i64::try_from(milliseconds).map_or(Scalar::Unset, Scalar::Int);
            }
            TimeFormat::Rfc3339 => time.format(&RFC_3339),
            TimeFormat::Rfc2822 => time.format(&Rfc2822),
            TimeFormat::Http => time.format(&HTTP),
            TimeFormat::Pattern(pattern) => time.format(pattern),
        };
        // Only a component that a time of UTC lacks could fail; it has all.
        text.map_or(Scalar::Unset, |text| Scalar::Text(Cow::Owned(text)))
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    fn written(format: TimeFormat, offset: Duration) -> String {
        let now = Now { format, offset };
        let at = datetime!(2026-02-28 23:59:58.0405 UTC);
        now.at(at).to_text().into_owned()
    }

    #[test]
    fn a_time_is_written_in_the_usual_ways() {
        let pattern = time::format_description::parse_strftime_owned("%Y/%m/%d %H:%M:%S %z %s");
        for (format, text) in [
            (TimeFormat::Rfc3339, "2026-02-28T23:59:58.040Z"),
            (TimeFormat::Rfc2822, "Sat, 28 Feb 2026 23:59:58 +0000"),
            (TimeFormat::Http, "Sat, 28 Feb 2026 23:59:58 GMT"),
            (TimeFormat::Unix, "1772323198"),
            (TimeFormat::UnixMs, "1772323198040"),
            (
                TimeFormat::Pattern(pattern.expect("a pattern")),
                "2026/02/28 23:59:58 +0000 1772323198",
            ),
        ] {
            assert_eq!(written(format, Duration::ZERO), text);
        }
    }

    #[test]
    fn an_offset_goes_both_ways_and_never_past_the_calendar() {
        let at = |offset| written(TimeFormat::Rfc3339, offset);
        assert_eq!(at(Duration::seconds(2)), "2026-03-01T00:00:00.040Z");
        assert_eq!(at(Duration::days(-59)), "2025-12-31T23:59:58.040Z");
        assert_eq!(&at(Duration::MAX)[..4], "9999");
    }
}
