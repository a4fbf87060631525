//! Numbers as they are written. They are compared digit for digit, for a binary fraction cannot hold every number that people
//! write: ids of 19 digits, amounts such as `10.10`.
//!
//! PURE. Must not know: where a number comes from.

/// A number without regard to how it is written: its sign, its digits without zeros at either end, and the power of ten that
/// they are multiplied by. Zero has no digits.
#[derive(Debug, PartialEq, Eq)]
struct Decimal {
    negative: bool,
    digits: String,
    exponent: i64,
}

/// Whether a text is a number as JSON writes it (RFC 8259, 6).
pub(crate) fn is_json_number(text: &str) -> bool {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let starts_well = match unsigned.as_bytes() {
        [b'0', next, ..] => !next.is_ascii_digit(),
        [first, ..] => first.is_ascii_digit(),
        [] => false,
    };
    // JSON wants digits on both sides of a point.
    let point_stands_well = unsigned
        .split_once('.')
        .is_none_or(|(_, fraction)| fraction.starts_with(|c: char| c.is_ascii_digit()));
    starts_well && point_stands_well && decimal(text).is_some()
}

/// Whether both texts are numbers, and the same one however they are written.
pub(crate) fn same_number(one: &str, other: &str) -> bool {
    decimal(one.trim()).is_some_and(|one| decimal(other.trim()) == Some(one))
}

fn decimal(text: &str) -> Option<Decimal> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, power(exponent)?),
        None => (unsigned, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = format!("{whole}{fraction}");
    if all.is_empty() || !all.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let significant = all.trim_start_matches('0');
    let digits = significant.trim_end_matches('0');
    if digits.is_empty() {
        return Some(Decimal {
            negative: false,
            digits: String::new(),
            exponent: 0,
        });
    }
    let zeros = (significant.len() - digits.len()) as i64;
    Some(Decimal {
        negative: text.starts_with('-'),
        digits: digits.to_owned(),
        exponent: exponent
            .saturating_add(zeros)
            .saturating_sub(fraction.len() as i64),
    })
}

/// An exponent; one beyond all bounds is as large as can be.
fn power(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(text.parse().unwrap_or(match text.starts_with('-') {
        true => i64::MIN,
        false => i64::MAX,
    }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_are_what_json_says() {
        for text in ["0", "-0", "1.10", "12345678901234567890", "1e3", "1.5E-7"] {
            assert!(is_json_number(text), "{text}");
        }
        for text in [
            "", "-", "01234", "+5", ".5", "5.", "0x1F", "1e", "1_000", "inf", "NaN", " 1", "1.e3",
            "12:30", "1e+", "--1",
        ] {
            assert!(!is_json_number(text), "{text}");
        }
    }

    #[test]
    fn the_same_number_may_be_written_in_many_ways() {
        for (one, other) in [
            ("5", "5.0"),
            ("5", " +05 "),
            ("1e3", "1000"),
            ("0", "-0.00"),
            ("1.10", "11e-1"),
            ("12345678901234567890", "12345678901234567890.0"),
        ] {
            assert!(same_number(one, other), "{one} {other}");
        }
        for (one, other) in [
            ("5", "-5"),
            ("1954120123456789012", "1954120123456789013"),
            ("5", "five"),
            ("", ""),
            ("1e99999999999999999999", "1"),
        ] {
            assert!(!same_number(one, other), "{one} {other}");
        }
    }

    proptest! {
        /// Numbers that a binary fraction holds are the same when and only when those are.
        #[test]
        fn agrees_with_binary_numbers(one in -1_000_i64..1_000, other in -1_000_i64..1_000) {
            let (one, other) = (one as f64 / 8.0, other as f64 / 8.0);
            prop_assert_eq!(same_number(&one.to_string(), &format!("{other:.5}")), one == other);
        }

        /// What the JSON parser takes as a number is one.
        #[test]
        fn agrees_with_the_json_parser(text in "-?[0-9.eE+-]{0,6}") {
            let parsed = serde_json::from_str::<serde_json::Number>(&text);
            // The parser refuses what is out of the range of binary numbers.
            prop_assert!(parsed.is_err() || is_json_number(&text));
            let out_of_range = parsed.as_ref().is_err_and(|error| error.to_string().contains("range"));
            prop_assert!(parsed.is_ok() || out_of_range || !is_json_number(&text));
        }
    }
}
