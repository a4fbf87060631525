//! `timeshift(q, -s)`, `hour_before(q)` and the like: the value of an earlier time.

use super::{Applied, Arguments, Function};

const DAY_S: i64 = 86_400;

pub(super) const FUNCTION: Function = Function {
    names: &[
        "timeshift",
        "hour_before",
        "day_before",
        "week_before",
        "month_before",
        "calendar_shift",
    ],
    read: |arguments| {
        let seconds = match arguments.name() {
            "timeshift" => return timeshift(arguments),
            "calendar_shift" => return calendar_shift(arguments),
            "hour_before" => 3_600,
            "day_before" => DAY_S,
            "week_before" => 7 * DAY_S,
            // Documented as four weeks.
            _ => 28 * DAY_S,
        };
        arguments.exactly(1, &format!("{}(query)", arguments.name()))?;
        Ok(Applied::Earlier(seconds))
    },
};

fn timeshift(arguments: &Arguments<'_>) -> Result<Applied, String> {
    arguments.exactly(2, "timeshift(query, -3600)")?;
    let seconds = arguments.whole(1, -366 * DAY_S, 0)?;
    Ok(Applied::Earlier(-seconds))
}

fn calendar_shift(arguments: &Arguments<'_>) -> Result<Applied, String> {
    arguments.exactly(3, "calendar_shift(query, '-1w', 'UTC')")?;
    let (shift, zone) = (arguments.text(1)?, arguments.text(2)?);
    if zone != "UTC" {
        return Err("only the time zone 'UTC' is known here".to_owned());
    }
    let unit = match shift {
        _ if shift.ends_with('d') => DAY_S,
        _ if shift.ends_with('w') => 7 * DAY_S,
        _ => return Err("only days and weeks are shifted by here, such as '-1w'".to_owned()),
    };
    let count: Option<i64> = shift[..shift.len() - 1].parse().ok();
    let count = count.filter(|count| (-366..0).contains(count));
    count
        .map(|count| Applied::Earlier(-count * unit))
        .ok_or_else(|| "its argument 2 is not a negative number of days or weeks".to_owned())
}
