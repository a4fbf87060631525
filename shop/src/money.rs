//! Money: integer minor units with a currency; decimal numbers of major units only at the edge.
//!
//! It must not know about products, orders or HTTP.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// The largest amount that the shop deals in: ten million major units.
pub const MAX_MINOR: i64 = 1_000_000_000;

const MINOR_PER_MAJOR: i64 = 100;

/// A currency the shop can price in; each has two decimals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
pub enum Currency {
    /// United States dollar.
    #[default]
    #[serde(rename = "USD")]
    Usd,
    /// Euro.
    #[serde(rename = "EUR")]
    Eur,
    /// Pound sterling.
    #[serde(rename = "GBP")]
    Gbp,
}

impl Currency {
    /// The ISO 4217 code.
    pub fn code(self) -> &'static str {
        match self {
            Currency::Usd => "USD",
            Currency::Eur => "EUR",
            Currency::Gbp => "GBP",
        }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl FromStr for Currency {
    type Err = MoneyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "USD" => Ok(Currency::Usd),
            "EUR" => Ok(Currency::Eur),
            "GBP" => Ok(Currency::Gbp),
            _ => Err(MoneyError::Currency),
        }
    }
}

/// A number of minor units. On the wire it is a decimal number of major units, such as `99.99`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount(i64);

impl Amount {
    /// Nothing.
    pub const ZERO: Amount = Amount(0);

    /// An amount of minor units (cents), as the stores keep it.
    pub fn from_minor(minor: i64) -> Self {
        Amount(minor)
    }

    /// Minor units (cents).
    pub fn minor(self) -> i64 {
        self.0
    }

    /// Major units, for telemetry and JSON only.
    #[expect(
        clippy::cast_precision_loss,
        reason = "amounts stay below 2^53, so the nearest double prints the same two decimals"
    )]
    pub fn major(self) -> f64 {
        self.0 as f64 / MINOR_PER_MAJOR as f64
    }

    /// The price of `quantity` pieces, or `None` when it leaves the shop's range.
    pub fn times(self, quantity: u32) -> Option<Amount> {
        self.0.checked_mul(i64::from(quantity)).and_then(in_range)
    }

    /// The sum, or `None` when it leaves the shop's range.
    pub fn plus(self, other: Amount) -> Option<Amount> {
        self.0.checked_add(other.0).and_then(in_range)
    }
}

fn in_range(minor: i64) -> Option<Amount> {
    (0..=MAX_MINOR).contains(&minor).then_some(Amount(minor))
}

/// Why a number is not an amount of money.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Nothing, where something is asked for.
    #[error("an amount of money must be above zero")]
    Zero,
    /// Below zero.
    #[error("an amount of money must not be negative")]
    Negative,
    /// More than the shop deals in.
    #[error("an amount of money must be at most {}", MAX_MINOR / MINOR_PER_MAJOR)]
    TooLarge,
    /// A fraction of a cent.
    #[error("an amount of money has at most two decimals")]
    TooPrecise,
    /// Not a number at all.
    #[error("an amount of money must be a decimal number")]
    NotANumber,
    /// An unknown currency code.
    #[error("the currency must be USD, EUR or GBP")]
    Currency,
}

impl TryFrom<f64> for Amount {
    type Error = MoneyError;

    /// A double carries 15 significant decimal digits for certain, so those are what the sender wrote;
    /// digits behind them (`0.57` computed as `57 * 0.01`) are noise of its arithmetic.
    fn try_from(major: f64) -> Result<Self, Self::Error> {
        if !major.is_finite() {
            return Err(MoneyError::NotANumber);
        }
        if major < 0.0 {
            return Err(MoneyError::Negative);
        }
        if major > Amount(MAX_MINOR).major() {
            return Err(MoneyError::TooLarge);
        }
        parse_scientific(&format!("{major:.14e}"))
    }
}

/// Reads `d.ddddde±x` (15 significant digits, not negative) exactly.
fn parse_scientific(text: &str) -> Result<Amount, MoneyError> {
    let (mantissa, exponent) = text.split_once('e').ok_or(MoneyError::NotANumber)?;
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let exponent: i32 = exponent.parse().map_err(|_| MoneyError::NotANumber)?;
    // The first digit stands for 10^exponent; minor units end two places behind the point.
    let whole_digits = exponent + 1 + 2;
    let split = usize::try_from(whole_digits).unwrap_or(0).min(digits.len());
    let (minor, rest) = digits.split_at(split);
    if rest.chars().any(|digit| digit != '0') {
        return Err(MoneyError::TooPrecise);
    }
    let minor: i64 = if minor.is_empty() {
        0
    } else {
        minor.parse().map_err(|_| MoneyError::TooLarge)?
    };
    in_range(minor).ok_or(MoneyError::TooLarge)
}

impl FromStr for Amount {
    type Err = MoneyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let major: f64 = text.parse().map_err(|_| MoneyError::NotANumber)?;
        Amount::try_from(major)
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}.{:02}",
            self.0 / MINOR_PER_MAJOR,
            (self.0 % MINOR_PER_MAJOR).abs()
        )
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.major())
    }
}

/// Amounts that clients send are prices and totals: above zero.
impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let amount = Amount::try_from(f64::deserialize(deserializer)?);
        match amount {
            Ok(Amount::ZERO) => Err(de::Error::custom(MoneyError::Zero)),
            other => other.map_err(de::Error::custom),
        }
    }
}

impl PartialSchema for Amount {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::Number)
            .description(Some("Decimal number of major units, at most two decimals"))
            .minimum(Some(0.01))
            .maximum(Some(Amount(MAX_MINOR).major()))
            .multiple_of(Some(0.01))
            .examples([serde_json::json!(99.99)])
            .into()
    }
}

impl ToSchema for Amount {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Amount")
    }
}

/// An amount in a currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Money {
    /// How much.
    pub amount: Amount,
    /// Of what.
    pub currency: Currency,
}

impl Money {
    /// Minor units of a currency.
    pub fn new(minor: i64, currency: Currency) -> Self {
        Money {
            amount: Amount::from_minor(minor),
            currency,
        }
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.amount, self.currency)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Every amount survives the way out to JSON and back in.
        #[test]
        fn amounts_survive_json(minor in 1..=MAX_MINOR) {
            let text = serde_json::to_string(&Amount(minor)).unwrap();
            prop_assert_eq!(serde_json::from_str::<Amount>(&text).unwrap(), Amount(minor));
        }

        /// No number makes the parser panic or return an amount outside the range.
        #[test]
        fn any_number_is_an_amount_or_an_error(number in proptest::num::f64::ANY) {
            if let Ok(amount) = Amount::try_from(number) {
                prop_assert!((0..=MAX_MINOR).contains(&amount.minor()));
            }
        }
    }

    #[test]
    fn noise_of_the_sender_is_forgiven_but_real_fractions_are_not() {
        assert_eq!(Amount::try_from(99.99), Ok(Amount(9_999)));
        assert_eq!(Amount::try_from(57.0 * 0.01), Ok(Amount(57)));
        assert_eq!(Amount::try_from(0.001), Err(MoneyError::TooPrecise));
        assert_eq!(Amount::try_from(1e-320), Err(MoneyError::TooPrecise));
        assert_eq!(Amount::try_from(-0.01), Err(MoneyError::Negative));
        assert_eq!(Amount::try_from(1e300), Err(MoneyError::TooLarge));
        assert_eq!(Amount::try_from(f64::NAN), Err(MoneyError::NotANumber));
        assert_eq!(Amount(5).to_string(), "0.05");
    }
}
